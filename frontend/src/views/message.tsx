import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { MessageLine } from "../store/model";
import { say } from "../words/words";
import { Confirm } from "./dialog";
import { Button, failureWords, useAction } from "./parts";
import { Name } from "./rich";
import { useUi } from "./ui";
import { When } from "./when";

const SIGNS = { pending: "○", sent: "✓", failed: "!" } as const;

/** One message: who, what, when, and for one's own how far it got, in words and in a shape. */
export function Message({ line }: { readonly line: MessageLine }): VNode {
  const { store, now } = useUi();
  const hiding = useSignal(false);
  return (
    <li class={`message ${line.own ? "own" : "other"}`}>
      <p class="meta">
        {line.own ? <span class="name">{say("message.you")}</span> : <Name of={line.handle} />}
        {line.role === "leader" && <span class="badge">{say("role.leader")}</span>}
        <When at={line.at} now={now()} />
      </p>
      <Words line={line} />
      {line.own && !line.hidden && <Progress line={line} />}
      {line.canHide && !line.hidden && line.state === "sent" && (
        <Button
          kind="quiet"
          label={say("message.hide")}
          onPress={() => {
            hiding.value = true;
          }}
        >
          {say("message.hide_short")}
        </Button>
      )}
      {hiding.value && (
        <Confirm
          title={say("people.hide_title")}
          text={say("people.hide_text")}
          confirm={say("message.hide")}
          withReason
          act={(reason) => store.hide(line.key, reason)}
          onClose={() => {
            hiding.value = false;
          }}
        />
      )}
    </li>
  );
}

function Words({ line }: { readonly line: MessageLine }): VNode {
  const open = useSignal(false);
  if (line.hidden) {
    const { reason } = line.hidden;
    return (
      <p class="hidden-message">
        {line.own && reason !== null
          ? say("message.hidden_own", { reason: say(`reason.${reason}`) })
          : say("message.hidden")}
      </p>
    );
  }
  if (line.note === null) return <Text of={line.text} />;
  return (
    <>
      <p class="content-note" dir="auto">
        {say("message.note", { note: line.note })}
      </p>
      <Button
        kind="quiet"
        onPress={() => {
          open.value = !open.value;
        }}
      >
        {open.value ? say("message.fold") : say("message.unfold")}
      </Button>
      {open.value && <Text of={line.text} />}
    </>
  );
}

function Text({ of }: { readonly of: string }): VNode {
  return (
    <p class="text" dir="auto">
      {of}
    </p>
  );
}

function Progress({ line }: { readonly line: MessageLine }): VNode {
  const { store } = useUi();
  const action = useAction();
  return (
    <>
      <p class={`progress ${line.state}`}>
        <span aria-hidden="true">{SIGNS[line.state]}</span> {say(`message.${line.state}`)}
        {line.state === "failed" && line.failure && ` ${failureWords(line.failure)}`}
      </p>
      {line.state === "failed" && (
        <div class="buttons">
          <Button busy={action.busy.value} onPress={() => void action.run(() => store.retry(line.key))}>
            {say("message.retry")}
          </Button>
          <Button busy={action.busy.value} onPress={() => void action.run(() => store.discard(line.key))}>
            {say("message.discard")}
          </Button>
        </div>
      )}
    </>
  );
}
