import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import { say } from "../words/words";
import { Confirm, Dialog } from "./dialog";
import { Button, Failed, Heading, useAction } from "./parts";
import { PinForm } from "./pin";
import { Name } from "./rich";
import { Shell } from "./shell";
import { EraseDialog } from "./unlock";
import { useUi } from "./ui";

/** What the app knows about the person and keeps on this device, and how to end both. */
export function YouScreen(): VNode {
  const { store, place } = useUi();
  const me = store.me.value;
  const asking = useSignal<"pin" | "sign-out" | "erase" | null>(null);
  const saved = useSignal(false);
  const close = () => {
    asking.value = null;
  };
  if (me === null) return <Shell>{say("app.loading")}</Shell>;
  const shared = me.deviceKind === "shared";
  return (
    <Shell
      back={() => {
        place.value = { at: "rooms" };
      }}
    >
      <Heading>{say("you.title")}</Heading>
      <dl class="facts">
        <div>
          <dt>{say("you.name")}</dt>
          <dd>
            <Name of={me.handle} />
          </dd>
        </div>
        {me.roles.length > 0 && (
          <div>
            <dt>{say("you.roles")}</dt>
            <dd>{me.roles.map((role) => say(`role.${role}`)).join(", ")}</dd>
          </div>
        )}
        {me.invitedAs !== "member" && (
          <div>
            <dt>{say("you.number")}</dt>
            <dd>
              <p class="number">
                <bdi>{me.safetyCode}</bdi>
              </p>
              <p class="hint">{say("you.number_text")}</p>
            </dd>
          </div>
        )}
        <div>
          <dt>{say("you.device")}</dt>
          <dd>{say(shared ? "you.shared" : me.pinSet ? "you.own_pin" : "you.own_phrase")}</dd>
        </div>
      </dl>
      <p role="status">{saved.value && say("you.pin_saved")}</p>
      <div class="buttons">
        {!shared && <Button onPress={store.lock}>{say("rooms.lock")}</Button>}
        {!shared && (
          <Button
            onPress={() => {
              asking.value = "pin";
            }}
          >
            {say(me.pinSet ? "you.change_pin" : "you.set_pin")}
          </Button>
        )}
        <Button
          onPress={() => {
            asking.value = "sign-out";
          }}
        >
          {say("you.sign_out")}
        </Button>
        {!shared && (
          <Button
            onPress={() => {
              asking.value = "erase";
            }}
          >
            {say("erase.title")}
          </Button>
        )}
      </div>
      {asking.value === "pin" && (
        <PinDialog
          onClose={close}
          saved={() => {
            saved.value = true;
            close();
          }}
        />
      )}
      {asking.value === "sign-out" && (
        <Confirm
          title={say("you.sign_out_shared_title")}
          text={say(shared ? "you.sign_out_shared" : "you.sign_out_text")}
          confirm={say("you.sign_out")}
          act={() => store.signOut()}
          onClose={close}
        />
      )}
      {asking.value === "erase" && <EraseDialog onClose={close} />}
    </Shell>
  );
}

function PinDialog({ onClose, saved }: { readonly onClose: () => void; readonly saved: () => void }): VNode {
  const { store } = useUi();
  const action = useAction();
  const save = async (pin: string) => {
    const outcome = await action.run(() => store.setPin(pin));
    if (outcome?.ok) saved();
  };
  return (
    <Dialog title={say("pin.title")} onClose={onClose}>
      <p>{say("pin.text")}</p>
      <PinForm submit={say("people.expiry_save")} busy={action.busy.value} done={(pin) => void save(pin)} />
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        <Button onPress={onClose}>{say("app.cancel")}</Button>
      </div>
    </Dialog>
  );
}
