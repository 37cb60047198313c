import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { say } from "../words/words";
import { checkPin, PIN_MAX, PIN_MIN } from "./handles";
import { Button, Field } from "./parts";

/** A PIN typed twice, with its faults said in words. */
export function PinForm({
  submit,
  busy,
  done,
}: {
  readonly submit: string;
  readonly busy?: boolean;
  readonly done: (pin: string) => void;
}): VNode {
  const first = useSignal("");
  const second = useSignal("");
  const tried = useSignal(false);
  const fault = checkPin(first.value);
  const differs = first.value !== second.value;
  const bounds = { min: PIN_MIN, max: PIN_MAX };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        tried.value = true;
        if (!busy && fault === null && !differs) done(first.value);
      }}
    >
      <Field
        label={say("pin.field", bounds)}
        value={first}
        secret
        numeric
        error={tried.value && fault ? say(`pin.${fault}`, bounds) : null}
      />
      <Field
        label={say("pin.repeat")}
        value={second}
        secret
        numeric
        error={tried.value && fault === null && differs ? say("pin.differs") : null}
      />
      <div class="buttons">
        <Button kind="main" submit busy={busy ?? false}>
          {submit}
        </Button>
      </div>
    </form>
  );
}
