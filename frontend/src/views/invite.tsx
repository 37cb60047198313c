import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { InviteView } from "../store/model";
import { say } from "../words/words";
import { Button, Failed, failureWords, Field, Heading, OutLink, useAction } from "./parts";
import { Name, Sentence } from "./rich";
import { HELP_PAGE, Shell } from "./shell";
import { useUi } from "./ui";
import { When } from "./when";

/** The first page of somebody new: what the link is, and helplines before anything is asked of them. */
export function InviteScreen(): VNode {
  const invite = useUi().store.invite.value;
  return (
    <Shell>
      {invite === null || invite.state === "looking" ? (
        <p role="status">{say("invite.looking")}</p>
      ) : invite.state === "problem" ? (
        <Problem invite={invite} />
      ) : (
        <Ready invite={invite} />
      )}
    </Shell>
  );
}

function Ready({ invite }: { readonly invite: Extract<InviteView, { state: "ready" }> }): VNode {
  const { store, now } = useUi();
  const { role, roomName, community } = invite;
  return (
    <>
      <Heading>{say("invite.title")}</Heading>
      <p class="lead">
        {roomName === null ? (
          <Sentence words="invite.to_community" places={{ community: <Name of={community.name} /> }} />
        ) : (
          <Sentence
            words="invite.to_room"
            places={{ room: <Name of={roomName} />, community: <Name of={community.name} /> }}
          />
        )}
      </p>
      {community.demo && <p class="note">{say("app.demo")}</p>}
      <p>{role === "member" ? say("invite.what") : say(`invite.as_${role}`)}</p>
      <section class="panel">
        <h2>{say("invite.first")}</h2>
        <p>{say("invite.first_text")}</p>
        <OutLink href={HELP_PAGE}>{say("help.lines")}</OutLink>
      </section>
      <p class="hint">
        {say("invite.checked")}{" "}
        <Sentence words="invite.until" places={{ time: <When at={invite.expiresAt} now={now()} /> }} />
      </p>
      <div class="buttons">
        <Button kind="main" onPress={store.startSignUp}>
          {say("invite.accept")}
        </Button>
        <Button onPress={store.dropInvite}>{say("invite.refuse")}</Button>
      </div>
    </>
  );
}

function Problem({ invite }: { readonly invite: Extract<InviteView, { state: "problem" }> }): VNode {
  const { store } = useUi();
  return (
    <>
      <Heading>{say("invite.problem_title")}</Heading>
      <p>{failureWords(invite.code)}</p>
      <p>{say("invite.problem_next")}</p>
      <div class="buttons">
        <Button onPress={store.dropInvite}>{say("app.close")}</Button>
        <OutLink href={HELP_PAGE}>{say("help.lines")}</OutLink>
      </div>
    </>
  );
}

/** Nothing is held here. It says nothing about what the app is for. */
export function StartScreen(): VNode {
  const { store } = useUi();
  const link = useSignal("");
  const action = useAction();
  const open = () => {
    const from = link.value.indexOf("#");
    void action.run(() =>
      store.beginInvite(from < 0 ? link.value.trim() : link.value.slice(from + 1).trim()),
    );
  };
  return (
    <Shell>
      <Heading>{say("start.title")}</Heading>
      <p>{say("start.text")}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          open();
        }}
      >
        <Field label={say("start.link")} value={link} />
        <Failed code={action.failure.value?.code} />
        <div class="buttons">
          <Button kind="main" submit busy={action.busy.value}>
            {say("start.open")}
          </Button>
        </div>
      </form>
      <p class="hint">{say("start.shared")}</p>
    </Shell>
  );
}
