import type { VNode } from "preact";
import type { RoomSummary } from "../store/model";
import { say, sayCount } from "../words/words";
import { Button, failureWords, Heading } from "./parts";
import { RoomName } from "./rich";
import { Shell } from "./shell";
import { useUi } from "./ui";

/** The rooms of a person, each with what they can do there in words. No count of what they have not read. */
export function RoomsScreen(): VNode {
  const { store, place } = useUi();
  const me = store.me.value;
  const rooms = store.rooms.value;
  const leads = me?.roles.includes("leader") ?? false;
  const stewards = me?.roles.includes("steward") ?? false;
  return (
    <Shell>
      <Heading>{say("rooms.title")}</Heading>
      {store.community.value?.demo && <p class="note">{say("app.demo")}</p>}
      <UsedLink />
      {!store.roomsLoaded.value && <p role="status">{say("rooms.loading")}</p>}
      {store.roomsLoaded.value && rooms.length === 0 && <NoRooms />}
      {rooms.length > 0 && (
        <ul class="cards">
          {rooms.map((room) => (
            <RoomCard key={room.id} room={room} />
          ))}
        </ul>
      )}
      <div class="buttons">
        {leads && (
          <Button
            kind={rooms.length === 0 ? "main" : "plain"}
            onPress={() => {
              place.value = { at: "new-room" };
            }}
          >
            {say("rooms.open_new")}
          </Button>
        )}
        {(leads || stewards) && (
          <Button
            onPress={() => {
              place.value = { at: "invites", roomId: null };
            }}
          >
            {say(stewards ? "rooms.invites_confirm" : "rooms.invites")}
          </Button>
        )}
        <Button
          onPress={() => {
            place.value = { at: "you" };
          }}
        >
          {say("rooms.you")}
        </Button>
        {me?.deviceKind === "own" && <Button onPress={store.lock}>{say("rooms.lock")}</Button>}
      </div>
    </Shell>
  );
}

/** Someone who is signed in opened another link: its room joins the list, or it says why not. */
function UsedLink(): VNode {
  const { store } = useUi();
  const invite = store.invite.value;
  return (
    <div role="status">
      {invite?.state === "looking" && <p>{say("invite.looking")}</p>}
      {invite?.state === "problem" && (
        <div class="note">
          <p>
            {say("invite.problem_title")}. {failureWords(invite.code)}
          </p>
          <Button kind="quiet" onPress={store.dropInvite}>
            {say("app.close")}
          </Button>
        </div>
      )}
    </div>
  );
}

function NoRooms(): VNode {
  const me = useUi().store.me.value;
  if (me === null) return <p>{say("rooms.none")}</p>;
  if (me.roles.includes("leader")) {
    return (
      <p>
        {say("rooms.none")} {say("rooms.none_leader")}
      </p>
    );
  }
  if (me.invitedAs !== "member" && !me.roles.includes(me.invitedAs)) {
    return (
      <section class="panel">
        <p>{say("rooms.none_waiting_role")}</p>
        <p class="number">
          <bdi>{me.safetyCode}</bdi>
        </p>
        <p class="hint">{say("rooms.confirm_who")}</p>
      </section>
    );
  }
  return (
    <p>
      {say("rooms.none")} {me.roles.length === 0 && say("rooms.none_text")}
    </p>
  );
}

function RoomCard({ room }: { readonly room: RoomSummary }): VNode {
  const { place } = useUi();
  const facts = [
    room.state === "ready" ? null : say(`rooms.state.${room.state}`),
    room.role === "leader" ? say("rooms.you_lead") : null,
    room.locked ? say("rooms.locked") : null,
    room.muted ? say("rooms.muted") : null,
    room.waitingCount > 0 ? sayCount("rooms.knock", room.waitingCount) : null,
  ].filter((fact) => fact !== null);
  return (
    <li>
      <button
        type="button"
        class="card room-card"
        onClick={() => {
          place.value = { at: "room", id: room.id, view: "talk" };
        }}
      >
        <span>
          <RoomName room={room} />
        </span>
        {facts.map((fact) => (
          <span key={fact} class="fact">
            {fact}
          </span>
        ))}
      </button>
    </li>
  );
}
