import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { LIMITS } from "../protocol/generated";
import { say } from "../words/words";
import { checkLine, ROOM_NAME_MAX, type LineFault } from "./handles";
import { Button, Failed, Field, Heading, Select, useAction } from "./parts";
import { Shell } from "./shell";
import { useUi } from "./ui";
import { describeDuration } from "./when";

const HOUR = 3_600;
const CHOICES = [1, 4, 12, 24, 72, 168, 720].map((hours) => hours * HOUR);

/** The choices, and what is set now where that is none of them. */
export function expiryOptions(now: number): { readonly value: string; readonly label: string }[] {
  const all = CHOICES.includes(now) ? CHOICES : [...CHOICES, now].sort((a, b) => a - b);
  return all.map((seconds) => ({ value: String(seconds), label: describeDuration(seconds) }));
}

export function NewRoomScreen(): VNode {
  const { store, place } = useUi();
  const first = store.community.value?.demo === true && store.rooms.value.length === 0;
  const name = useSignal(first ? say("new_room.suggestion") : "");
  const expiry = useSignal(String(LIMITS.EXPIRY_DEFAULT_SECONDS));
  const fault = useSignal<LineFault | null>(null);
  const action = useAction();
  const create = async () => {
    const checked = checkLine(name.value, ROOM_NAME_MAX);
    fault.value = checked.fault;
    if (checked.fault !== null) return;
    const outcome = await action.run(() =>
      store.createRoom({ name: checked.line, expirySeconds: Number(expiry.value) }),
    );
    if (outcome?.ok) place.value = { at: "room", id: outcome.roomId, view: "talk" };
  };
  return (
    <Shell
      back={() => {
        place.value = { at: "rooms" };
      }}
    >
      <Heading>{say("new_room.title")}</Heading>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <Field
          label={say("new_room.name")}
          hint={say("new_room.name_hint")}
          value={name}
          error={fault.value && lineError(fault.value)}
        />
        <Select
          label={say("new_room.expiry")}
          value={expiry}
          options={expiryOptions(LIMITS.EXPIRY_DEFAULT_SECONDS)}
        />
        <Failed code={action.failure.value?.code} />
        <div class="buttons">
          <Button kind="main" submit busy={action.busy.value}>
            {say("new_room.create")}
          </Button>
        </div>
      </form>
    </Shell>
  );
}

function lineError(fault: LineFault): string {
  return fault === "odd" ? say("name.odd") : say(`new_room.${fault}`, { max: ROOM_NAME_MAX });
}
