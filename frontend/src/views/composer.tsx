import type { VNode } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { LIMITS } from "../protocol/generated";
import type { OpenRoom } from "../store/model";
import { say, sayCount } from "../words/words";
import { countLetters } from "./handles";
import { Button, Failed, Field, useAction } from "./parts";
import { useUi } from "./ui";

const NOTE_MAX = 80;
const WARN_BELOW = 200;

/** What is being written. It lives as long as the room is on the screen: never on the device, never on the server. */
export type Draft = {
  readonly text: Signal<string>;
  readonly note: Signal<string>;
  readonly hasNote: Signal<boolean>;
};

export function useDraft(): Draft {
  return { text: useSignal(""), note: useSignal(""), hasNote: useSignal(false) };
}

export function Composer({ room, draft }: { readonly room: OpenRoom; readonly draft: Draft }): VNode {
  const { store } = useUi();
  if (room.cannotSend !== null) {
    return (
      <p class="composer closed" role="status">
        {say(`room.${room.cannotSend}`)}
      </p>
    );
  }
  if (room.myPresence === "listening") {
    return (
      <div class="composer closed">
        <p role="status">{say("room.listening")}</p>
        <Button
          onPress={() => {
            store.setPresence("speaking");
          }}
        >
          {say("room.speak")}
        </Button>
      </div>
    );
  }
  return <Writing draft={draft} />;
}

function Writing({ draft }: { readonly draft: Draft }): VNode {
  const { store } = useUi();
  const id = useId();
  const box = useRef<HTMLTextAreaElement>(null);
  const { text, note, hasNote } = draft;
  const action = useAction();

  // By code points, as the server counts.
  const left =
    LIMITS.TEXT_MAX_CHARS -
    (text.value.length > LIMITS.TEXT_MAX_CHARS - WARN_BELOW ? countLetters(text.value) : 0);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    // Grows with the text up to what the style allows. Set by script, since the policy refuses style attributes.
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [text.value]);

  const send = async () => {
    if (text.value.trim() === "" || left < 0) return;
    const trimmedNote = note.value.normalize("NFC").trim();
    const outcome = await action.run(() =>
      store.send({ text: text.value, note: hasNote.value && trimmedNote !== "" ? trimmedNote : null }),
    );
    if (!outcome?.ok) return;
    text.value = "";
    note.value = "";
    hasNote.value = false;
    box.current?.focus();
  };

  return (
    <form
      class="composer"
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Failed code={action.failure.value?.code} after={say("composer.failed")} />
      {hasNote.value && (
        <Field
          label={say("composer.note")}
          hint={say("composer.note_hint")}
          value={note}
          maxLength={NOTE_MAX}
        />
      )}
      <label for={id} class="for-readers">
        {say("composer.label")}
      </label>
      <div class="composer-row">
        {/* No spell check: some browsers send what is typed away to check it. */}
        <textarea
          id={id}
          ref={box}
          rows={1}
          dir="auto"
          autoComplete="off"
          spellcheck={false}
          placeholder={say("composer.label")}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing || !hasKeyboard()) return;
            event.preventDefault();
            void send();
          }}
        />
        <Button kind="main" submit busy={action.busy.value}>
          {say("composer.send")}
        </Button>
      </div>
      {left < WARN_BELOW && <p class="hint">{sayCount("composer.left", left)}</p>}
      <div class="composer-more">
        <Button
          kind="quiet"
          onPress={() => {
            hasNote.value = !hasNote.value;
          }}
        >
          {say(hasNote.value ? "composer.note_remove" : "composer.note_add")}
        </Button>
        <Button
          kind="quiet"
          onPress={() => {
            store.setPresence("listening");
          }}
        >
          {say("room.listen")}
        </Button>
      </div>
    </form>
  );
}

/** On a phone Enter starts a new line, and nothing goes out by accident. */
function hasKeyboard(): boolean {
  return window.matchMedia("(hover: hover) and (pointer: fine)").matches;
}
