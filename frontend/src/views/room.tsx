import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { OpenRoom, RoomSummary } from "../store/model";
import { say, sayCount } from "../words/words";
import { Composer, useDraft, type Draft } from "./composer";
import { Button, Failed, Heading, useAction } from "./parts";
import { PeopleScreen } from "./people";
import { RoomName } from "./rich";
import { Shell } from "./shell";
import { Timeline } from "./timeline";
import { useUi } from "./ui";
import { describeDuration } from "./when";

/** Keeps the room open while either of its two sides, talk and people, is on the screen. */
export function RoomScreen({
  room,
  view,
  back,
}: {
  readonly room: RoomSummary;
  readonly view: "talk" | "people";
  readonly back: () => void;
}): VNode {
  const { store } = useUi();
  const action = useAction();
  const draft = useDraft();
  const open = () => void action.run(() => store.openRoom(room.id));
  useEffect(() => {
    open();
    return () => {
      store.closeRoom();
    };
    // `open` is new at each render; the room is what matters.
  }, [store, room.id]);

  const current = store.currentRoom.value;
  if (current?.id !== room.id) {
    return (
      <Shell back={back}>
        <Heading>
          <RoomName room={room} />
        </Heading>
        {action.failure.value === null ? (
          <p role="status">{say("room.opening")}</p>
        ) : (
          <>
            <Failed code={action.failure.value.code} />
            <div class="buttons">
              <Button kind="main" onPress={open}>
                {say("app.again")}
              </Button>
            </div>
          </>
        )}
      </Shell>
    );
  }
  return view === "people" ? (
    <PeopleScreen room={current} />
  ) : (
    <TalkScreen room={current} draft={draft} back={back} />
  );
}

function TalkScreen({
  room,
  draft,
  back,
}: {
  readonly room: OpenRoom;
  readonly draft: Draft;
  readonly back: () => void;
}): VNode {
  const { place } = useUi();
  const here = room.people.filter((person) => person.presence !== null).length;
  const toPeople = () => {
    place.value = { at: "room", id: room.id, view: "people" };
  };
  return (
    <Shell wide back={back}>
      <div class="room-head">
        <div class="room-title">
          <Heading>
            <RoomName room={room} />
          </Heading>
          <p class="hint">
            {sayCount("room.here", here)} · {say("room.gone", { time: describeDuration(room.expirySeconds) })}
          </p>
        </div>
        <Button onPress={toPeople}>{say("room.people")}</Button>
      </div>
      {room.waiting.length > 0 && (
        <button type="button" class="knock" onClick={toPeople}>
          <span aria-hidden="true">◆</span> {sayCount("rooms.knock", room.waiting.length)}
        </button>
      )}
      <Timeline room={room} />
      <Composer room={room} draft={draft} />
    </Shell>
  );
}
