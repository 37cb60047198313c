import type { VNode } from "preact";
import { useSignal } from "@preact/signals";
import type { PresenceMode, RoomSummary } from "../store/model";
import { say } from "../words/words";
import { Button, Choice, Failed, Heading, OutLink, useAction } from "./parts";
import { RoomName, Sentence } from "./rich";
import { RoomScreen } from "./room";
import { HELP_PAGE, Shell } from "./shell";
import { useUi } from "./ui";
import { describeDuration } from "./when";

/** Goes up when the words of the agreement change: then everyone is asked again, once. */
export const AGREEMENT_VERSION = 1;

/** What stands between a person and a room: asking, waiting, the agreement; then the room itself. */
export function RoomPlace({ id, view }: { readonly id: string; readonly view: "talk" | "people" }): VNode {
  const { store, place } = useUi();
  const back = () => {
    place.value = { at: "rooms" };
  };
  const room = store.rooms.value.find((known) => known.id === id);
  if (room === undefined) {
    return (
      <Shell back={back}>
        <p role="status">{say("room.opening")}</p>
      </Shell>
    );
  }
  switch (room.state) {
    case "invited":
      return <AskScreen room={room} back={back} />;
    case "waiting":
    case "admitted":
      return <WaitScreen room={room} back={back} />;
    case "ready":
      return room.agreedVersion === AGREEMENT_VERSION ? (
        <RoomScreen room={room} view={view} back={back} />
      ) : (
        <AgreementScreen room={room} back={back} />
      );
    case "declined":
    case "left":
    case "closed":
    case "problem":
      return <ClosedScreen room={room} back={back} />;
  }
}

type DoorProps = { readonly room: RoomSummary; readonly back: () => void };

function AskScreen({ room, back }: DoorProps): VNode {
  const { store } = useUi();
  const action = useAction();
  return (
    <Shell back={back}>
      <Heading>
        <Sentence words="ask.title" places={{ room: <RoomName room={room} /> }} />
      </Heading>
      <p>{say("ask.text")}</p>
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        <Button
          kind="main"
          busy={action.busy.value}
          onPress={() => void action.run(() => store.askToJoin(room.id))}
        >
          {say("ask.ask")}
        </Button>
      </div>
    </Shell>
  );
}

/** Calm, and it opens by itself: nothing has to be pressed again. */
function WaitScreen({ room, back }: DoorProps): VNode {
  const { store } = useUi();
  const action = useAction();
  const shared = store.me.value?.deviceKind === "shared";
  return (
    <Shell back={back}>
      <Heading>{say("wait.title")}</Heading>
      <div role="status">
        {room.state === "admitted" ? (
          <>
            <p class="lead">{say("wait.admitted")}</p>
            <p>{say("wait.admitted_text")}</p>
          </>
        ) : (
          <p class="lead">
            <Sentence
              words={shared ? "wait.asked_shared" : "wait.asked"}
              places={{ room: <RoomName room={room} /> }}
            />
          </p>
        )}
      </div>
      <section class="panel">
        <p>{say("wait.helplines")}</p>
        <OutLink href={HELP_PAGE}>{say("help.lines")}</OutLink>
      </section>
      <Failed code={action.failure.value?.code} />
      {room.state === "waiting" && (
        <div class="buttons">
          <Button busy={action.busy.value} onPress={() => void action.run(() => store.cancelAsk(room.id))}>
            {say("wait.cancel")}
          </Button>
        </div>
      )}
    </Shell>
  );
}

function ClosedScreen({ room, back }: DoorProps): VNode {
  const { store } = useUi();
  const action = useAction();
  const state = room.state;
  if (state !== "declined" && state !== "left" && state !== "problem" && state !== "closed") return <></>;
  return (
    <Shell back={back}>
      <Heading>
        <RoomName room={room} />
      </Heading>
      <p class="lead" role="status">
        {say(`closed.${state}`)}
      </p>
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        {(state === "declined" || state === "left") && (
          <Button busy={action.busy.value} onPress={() => void action.run(() => store.askToJoin(room.id))}>
            {say("closed.ask_again")}
          </Button>
        )}
        <OutLink href={HELP_PAGE}>{say("help.lines")}</OutLink>
      </div>
    </Shell>
  );
}

const POINTS = ["agreement.1", "agreement.2", "agreement.3", "agreement.4", "agreement.5"] as const;

/** Before the first time in a room, and again only when its words changed. */
function AgreementScreen({ room, back }: DoorProps): VNode {
  const { store } = useUi();
  const action = useAction();
  const mode = useSignal<PresenceMode | null>("listening");
  const enter = async () => {
    store.setPresence(mode.value ?? "listening");
    await action.run(() => store.agree(room.id, AGREEMENT_VERSION));
  };
  return (
    <Shell back={back}>
      <Heading>{say("agreement.title")}</Heading>
      <p>
        <Sentence words="agreement.intro" places={{ room: <RoomName room={room} /> }} />
      </p>
      <ul class="points">
        {POINTS.map((point) => (
          <li key={point}>{say(point)}</li>
        ))}
      </ul>
      <p class="note">{say("agreement.never")}</p>
      <p>{say("agreement.gone", { time: describeDuration(room.expirySeconds) })}</p>
      <Choice
        legend={say("agreement.how")}
        value={mode}
        options={(["listening", "speaking"] as const).map((value) => ({
          value,
          label: say(`agreement.${value}`),
          text: say(`agreement.${value}_text`),
        }))}
      />
      <p class="hint">{say("agreement.change")}</p>
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        <Button kind="main" busy={action.busy.value} onPress={() => void enter()}>
          {say("agreement.yes")}
        </Button>
        <Button onPress={back}>{say("agreement.no")}</Button>
      </div>
    </Shell>
  );
}
