import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { say, sayCount } from "../words/words";
import { Confirm } from "./dialog";
import { Button, failureWords, Field, Heading, useAction } from "./parts";
import { Shell } from "./shell";
import { useUi } from "./ui";

/** The locked screen names nobody: whoever holds the phone may be someone else. */
export function UnlockScreen(): VNode {
  const { store, heldLink } = useUi();
  const view = store.lockView.value;
  const wantsPhrase = useSignal(false);
  const secret = useSignal("");
  const erasing = useSignal(false);
  const action = useAction();
  const pinWorks = view.pin && !view.erased;
  const byPin = pinWorks && !wantsPhrase.value;

  const open = async () => {
    const typed = secret.value.trim();
    if (typed === "") return;
    const outcome = await action.run(() =>
      store.unlock(byPin ? { pin: typed } : { phrase: typed.toLowerCase().split(/\s+/).join(" ") }),
    );
    if (outcome !== null && byPin) secret.value = "";
  };

  return (
    <Shell>
      <Heading>{say("unlock.title")}</Heading>
      {heldLink.value !== null && <p>{say("unlock.link")}</p>}
      {view.pin && view.erased && <p class="note">{say("unlock.erased")}</p>}
      <form
        key={byPin ? "pin" : "phrase"}
        onSubmit={(event) => {
          event.preventDefault();
          void open();
        }}
      >
        {byPin ? (
          <Field
            label={say("unlock.pin")}
            value={secret}
            secret
            numeric
            error={pinError(action.failure.value?.code, view.triesLeft)}
          />
        ) : (
          <Field
            label={say("unlock.phrase")}
            hint={say("unlock.phrase_hint")}
            value={secret}
            error={action.failure.value && failureWords(action.failure.value.code)}
          />
        )}
        <div class="buttons">
          <Button kind="main" submit busy={action.busy.value}>
            {action.busy.value ? say("unlock.opening") : say("unlock.open")}
          </Button>
        </div>
      </form>
      <details>
        <summary>{say("unlock.more")}</summary>
        <div class="buttons">
          {pinWorks && (
            <Button
              onPress={() => {
                wantsPhrase.value = !wantsPhrase.value;
                secret.value = "";
                action.failure.value = null;
              }}
            >
              {byPin ? say("unlock.use_phrase") : say("unlock.use_pin")}
            </Button>
          )}
          <Button
            onPress={() => {
              erasing.value = true;
            }}
          >
            {say("erase.title")}
          </Button>
        </div>
      </details>
      {erasing.value && (
        <EraseDialog
          onClose={() => {
            erasing.value = false;
          }}
        />
      )}
    </Shell>
  );
}

function pinError(code: Parameters<typeof failureWords>[0] | undefined, left: number | null): string | null {
  if (code === undefined) return null;
  return code === "pin.wrong" && left !== null ? sayCount("unlock.tries", left) : failureWords(code);
}

export function EraseDialog({ onClose }: { readonly onClose: () => void }): VNode {
  const { store } = useUi();
  return (
    <Confirm
      title={say("erase.title")}
      text={say("erase.text")}
      confirm={say("erase.confirm")}
      act={() => store.eraseDevice()}
      onClose={onClose}
    />
  );
}
