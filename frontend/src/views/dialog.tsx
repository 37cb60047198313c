import type { ComponentChildren, VNode } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Outcome, Reason } from "../store/model";
import { say } from "../words/words";
import { Button, Choice, Failed, useAction } from "./parts";

/**
 * A modal dialog. It makes the page behind it inert, so that it carries an exit of its own; Escape closes it and nothing
 * more, and the focus goes back to where it was.
 */
export function Dialog({
  title,
  onClose,
  cover,
  children,
}: {
  readonly title: ComponentChildren;
  readonly onClose: () => void;
  /** Hide everything behind it. */
  readonly cover?: boolean;
  readonly children: ComponentChildren;
}): VNode {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog === null) return undefined;
    dialog.showModal();
    return () => {
      dialog.close();
    };
  }, []);
  return (
    <dialog ref={ref} class={cover ? "cover" : undefined} aria-labelledby={id} onClose={onClose}>
      <div class="dialog-bar">
        <h2 id={id} tabIndex={-1} autoFocus>
          {title}
        </h2>
        <button type="button" class="button exit" data-exit>
          {say("app.exit")}
        </button>
      </div>
      {children}
    </dialog>
  );
}

const REASONS: readonly Reason[] = ["safety", "agreement", "asked", "other"];

/** Ask before doing what others feel. Where the room's log wants a reason, one is chosen from a short list. */
export function Confirm({
  title,
  text,
  confirm,
  withReason,
  act,
  onClose,
}: {
  readonly title: ComponentChildren;
  readonly text: string;
  readonly confirm: string;
  readonly withReason?: boolean;
  readonly act: (reason: Reason) => Promise<Outcome>;
  readonly onClose: () => void;
}): VNode {
  const action = useAction();
  const reason = useSignal<Reason | null>("safety");
  const press = async () => {
    const outcome = await action.run(() => act(reason.value ?? "other"));
    if (outcome?.ok) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {withReason && (
        <Choice
          legend={say("reason.title")}
          value={reason}
          options={REASONS.map((value) => ({ value, label: say(`reason.${value}`) }))}
        />
      )}
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        <Button kind="main" busy={action.busy.value} onPress={() => void press()}>
          {confirm}
        </Button>
        <Button onPress={onClose}>{say("app.cancel")}</Button>
      </div>
    </Dialog>
  );
}
