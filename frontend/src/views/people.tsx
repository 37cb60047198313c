import type { ComponentChildren, VNode } from "preact";
import { useSignal, type Signal } from "@preact/signals";
import type { Member, OpenRoom, Outcome, Reason, WaitingMember } from "../store/model";
import { say } from "../words/words";
import { Confirm } from "./dialog";
import { expiryOptions } from "./newRoom";
import { Button, Failed, Heading, Select, useAction } from "./parts";
import { Name, RoomName, Sentence } from "./rich";
import { Shell } from "./shell";
import { useUi } from "./ui";
import { When } from "./when";

type Question = {
  readonly title: ComponentChildren;
  readonly text: string;
  readonly confirm: string;
  readonly withReason: boolean;
  readonly act: (reason: Reason) => Promise<Outcome>;
};

/** Who is in the room; for leaders also who knocks, and what they may do. */
export function PeopleScreen({ room }: { readonly room: OpenRoom }): VNode {
  const { place } = useUi();
  const question = useSignal<Question | null>(null);
  return (
    <Shell
      back={() => {
        place.value = { at: "room", id: room.id, view: "talk" };
      }}
    >
      <Heading>{say("people.title")}</Heading>
      {room.can.admit && <Waiting people={room.waiting} />}
      <section>
        <h2>{say("people.in_room")}</h2>
        <ul class="cards">
          {room.people.map((person) => (
            <Person key={person.accountId} person={person} question={question} />
          ))}
        </ul>
      </section>
      <RoomActions room={room} question={question} />
      {question.value && (
        <Confirm
          {...question.value}
          onClose={() => {
            question.value = null;
          }}
        />
      )}
    </Shell>
  );
}

function Waiting({ people }: { readonly people: readonly WaitingMember[] }): VNode {
  return (
    <section>
      <h2>{say("people.waiting")}</h2>
      <div role="status">{people.length === 0 && <p class="hint">{say("people.waiting_none")}</p>}</div>
      <ul class="cards">
        {people.map((person) => (
          <Knocking key={person.accountId} person={person} />
        ))}
      </ul>
    </section>
  );
}

function Knocking({ person }: { readonly person: WaitingMember }): VNode {
  const { store, now } = useUi();
  const action = useAction();
  return (
    <li class="card">
      <p>
        <Name of={person.handle} />{" "}
        <span class="hint">
          <Sentence words="people.asked" places={{ time: <When at={person.askedAt} now={now()} /> }} />
        </span>
      </p>
      <p class={person.check === "problem" ? "note" : undefined}>{say(`people.${person.check}`)}</p>
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        {person.check === "verified" && (
          <Button
            kind="main"
            busy={action.busy.value}
            onPress={() => void action.run(() => store.admit(person.accountId))}
          >
            {say("people.admit")}
          </Button>
        )}
        <Button
          busy={action.busy.value}
          onPress={() => void action.run(() => store.decline(person.accountId))}
        >
          {say("people.decline")}
        </Button>
      </div>
    </li>
  );
}

function Person({
  person,
  question,
}: {
  readonly person: Member;
  readonly question: Signal<Question | null>;
}): VNode {
  const { store } = useUi();
  const { can, accountId, muted } = person;
  const name = <Name of={person.handle} />;
  const ask = (asked: Question) => () => {
    question.value = asked;
  };
  const facts = [
    say(person.arriving ? "people.arriving" : `people.${person.presence ?? "away"}`),
    muted ? say("people.muted") : null,
  ].filter((fact) => fact !== null);
  return (
    <li class="card">
      <p>
        {name} {person.you && <span class="hint">({say("people.you")})</span>}{" "}
        {person.role === "leader" && <span class="badge">{say("role.leader")}</span>}
      </p>
      <p class="fact">{facts.join(" · ")}</p>
      {(can.mute || can.remove || can.makeLeader || can.makeMember) && (
        <details>
          <summary>
            {say("people.actions")} <span class="for-readers">{person.handle}</span>
          </summary>
          <div class="buttons">
            {can.mute && muted && <Unmute accountId={accountId} />}
            {can.mute && !muted && (
              <Button
                onPress={ask({
                  title: <Sentence words="people.mute_title" places={{ name }} />,
                  text: say("people.mute_text"),
                  confirm: say("people.mute"),
                  withReason: true,
                  act: (reason) => store.mute(accountId, reason),
                })}
              >
                {say("people.mute")}
              </Button>
            )}
            {can.makeLeader && (
              <Button
                onPress={ask({
                  title: <Sentence words="people.lead_title" places={{ name }} />,
                  text: say("people.lead_text"),
                  confirm: say("people.make_leader"),
                  withReason: false,
                  act: () => store.grant(accountId, "leader"),
                })}
              >
                {say("people.make_leader")}
              </Button>
            )}
            {can.makeMember && (
              <Button
                onPress={ask({
                  title: <Sentence words="people.unlead_title" places={{ name }} />,
                  text: say("people.unlead_text"),
                  confirm: say("people.make_member"),
                  withReason: false,
                  act: () => store.grant(accountId, "member"),
                })}
              >
                {say("people.make_member")}
              </Button>
            )}
            {can.remove && (
              <Button
                onPress={ask({
                  title: <Sentence words="people.remove_title" places={{ name }} />,
                  text: say("people.remove_text"),
                  confirm: say("people.remove"),
                  withReason: true,
                  act: (reason) => store.removeMember(accountId, reason),
                })}
              >
                {say("people.remove")}
              </Button>
            )}
          </div>
        </details>
      )}
    </li>
  );
}

/** Giving something back needs no second thought. */
function Unmute({ accountId }: { readonly accountId: string }): VNode {
  const { store } = useUi();
  const action = useAction();
  return (
    <>
      <Button busy={action.busy.value} onPress={() => void action.run(() => store.unmute(accountId))}>
        {say("people.unmute")}
      </Button>
      <Failed code={action.failure.value?.code} />
    </>
  );
}

function RoomActions({
  room,
  question,
}: {
  readonly room: OpenRoom;
  readonly question: Signal<Question | null>;
}): VNode {
  const { store, place } = useUi();
  const action = useAction();
  return (
    <section>
      <h2>{say("people.room")}</h2>
      {room.can.settings && <Expiry room={room} />}
      {room.can.lock && !room.locked && <p class="hint">{say("people.pause_text")}</p>}
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        {room.can.lock && (
          <Button
            busy={action.busy.value}
            onPress={() => void action.run(() => (room.locked ? store.unlockRoom() : store.lockRoom()))}
          >
            {say(room.locked ? "people.unpause" : "people.pause")}
          </Button>
        )}
        {room.can.invite && (
          <Button
            onPress={() => {
              place.value = { at: "invites", roomId: room.id };
            }}
          >
            {say("people.invite")}
          </Button>
        )}
        {room.can.leave ? (
          <Button
            onPress={() => {
              question.value = {
                title: <Sentence words="people.leave_title" places={{ room: <RoomName room={room} /> }} />,
                text: say("people.leave_text"),
                confirm: say("people.leave"),
                withReason: false,
                act: () => store.leaveRoom(room.id),
              };
            }}
          >
            {say("people.leave")}
          </Button>
        ) : (
          <p class="hint">{say("people.cannot_leave")}</p>
        )}
      </div>
    </section>
  );
}

function Expiry({ room }: { readonly room: OpenRoom }): VNode {
  const { store } = useUi();
  const chosen = useSignal(String(room.expirySeconds));
  const action = useAction();
  const saved = useSignal(false);
  const save = async () => {
    const outcome = await action.run(() => store.setExpiry(Number(chosen.value)));
    saved.value = outcome?.ok === true;
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Select label={say("people.expiry")} value={chosen} options={expiryOptions(room.expirySeconds)} />
      <Failed code={action.failure.value?.code} />
      <p role="status" class="hint">
        {saved.value && say("people.saved")}
      </p>
      <div class="buttons">
        <Button submit busy={action.busy.value}>
          {say("people.expiry_save")}
        </Button>
      </div>
    </form>
  );
}
