import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { InviteLine, InviteRole } from "../store/model";
import { say } from "../words/words";
import { CertifySection } from "./certify";
import { Button, Choice, Failed, Field, Heading, Select, useAction } from "./parts";
import { Name, Sentence } from "./rich";
import { Shell } from "./shell";
import { useUi } from "./ui";
import { When } from "./when";

const NO_ROOM = "";

/** Links for others. A link is shown once: the server never sees the part that makes it work. */
export function InvitesScreen({ roomId }: { readonly roomId: string | null }): VNode {
  const { store, place } = useUi();
  const made = useSignal<{ readonly link: string; readonly expiresAt: number } | null>(null);
  const list = useAction();
  const steward = store.me.value?.roles.includes("steward") ?? false;
  useEffect(() => {
    void list.run(() => store.loadInvites());
    // Once, when the screen comes; `list` is new at each render.
  }, [store]);
  return (
    <Shell
      back={() => {
        place.value = roomId === null ? { at: "rooms" } : { at: "room", id: roomId, view: "people" };
      }}
    >
      <Heading>{say("invites.title")}</Heading>
      {made.value ? (
        <Made
          made={made.value}
          close={() => {
            made.value = null;
          }}
        />
      ) : (
        <MakeForm
          roomId={roomId}
          steward={steward}
          made={(link) => {
            made.value = link;
            void list.run(() => store.loadInvites());
          }}
        />
      )}
      <section>
        <h2>{say("invites.open")}</h2>
        <Failed code={list.failure.value?.code} />
        {store.invites.value.length === 0 && <p class="hint">{say("invites.open_none")}</p>}
        <ul class="cards">
          {store.invites.value.map((invite) => (
            <Row key={invite.id} invite={invite} />
          ))}
        </ul>
      </section>
      {steward && <CertifySection />}
    </Shell>
  );
}

type Made = { readonly link: string; readonly expiresAt: number };

function MakeForm({
  roomId,
  steward,
  made,
}: {
  readonly roomId: string | null;
  readonly steward: boolean;
  readonly made: (link: Made) => void;
}): VNode {
  const { store } = useUi();
  // A leader invites into a room of their own; a steward invites anyone, and reads no room.
  const rooms = store.rooms.value.filter((room) => room.role === "leader");
  const role = useSignal<InviteRole | null>("member");
  const room = useSignal(roomId ?? (steward ? NO_ROOM : (rooms[0]?.id ?? NO_ROOM)));
  const action = useAction();
  const roles: readonly InviteRole[] = steward ? ["member", "leader", "counselor", "steward"] : ["member"];
  const make = async () => {
    const chosen = role.value ?? "member";
    const into = chosen === "member" && room.value !== NO_ROOM ? room.value : null;
    const outcome = await action.run(() => store.makeInvite(chosen, into));
    if (outcome?.ok) made({ link: outcome.link, expiresAt: outcome.expiresAt });
  };
  const roomOptions = [
    ...(steward ? [{ value: NO_ROOM, label: say("invites.no_room") }] : []),
    ...rooms.map((known) => ({ value: known.id, label: known.name })),
  ];
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void make();
      }}
    >
      <p>{say("invites.text")}</p>
      {roles.length > 1 && (
        <Choice
          legend={say("invites.role")}
          value={role}
          options={roles.map((value) => ({ value, label: say(`invites.role.${value}`) }))}
        />
      )}
      {role.value === "member" && roomOptions.length > 1 && (
        <Select label={say("invites.room")} value={room} options={roomOptions} />
      )}
      <Failed code={action.failure.value?.code} />
      <div class="buttons">
        <Button kind="main" submit busy={action.busy.value}>
          {say("invites.make")}
        </Button>
      </div>
    </form>
  );
}

function Made({ made, close }: { readonly made: Made; readonly close: () => void }): VNode {
  const { now } = useUi();
  const link = useSignal(made.link);
  const copied = useSignal<"copied" | "copy_failed" | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(made.link);
      copied.value = "copied";
    } catch {
      copied.value = "copy_failed";
      input.current?.select();
    }
  };
  return (
    <section class="panel">
      <h2>{say("invites.made_title")}</h2>
      <p>
        <Sentence words="invites.made_text" places={{ time: <When at={made.expiresAt} now={now()} /> }} />
      </p>
      <Field label={say("invites.link")} value={link} inputRef={input} readOnly />
      <p role="status" class="hint">
        {copied.value && say(`invites.${copied.value}`)}
      </p>
      <div class="buttons">
        <Button kind="main" onPress={() => void copy()}>
          {say("invites.copy")}
        </Button>
        <Button onPress={close}>{say("app.close")}</Button>
      </div>
    </section>
  );
}

function Row({ invite }: { readonly invite: InviteLine }): VNode {
  const { store, now } = useUi();
  const action = useAction();
  return (
    <li class="card">
      <p>
        {say(`role.${invite.role}`)}{" "}
        {invite.roomName !== null && (
          <Sentence words="invites.for_room" places={{ room: <Name of={invite.roomName} /> }} />
        )}
      </p>
      <p class="fact">
        {invite.used ? (
          say("invites.used")
        ) : (
          <Sentence words="invites.unused" places={{ time: <When at={invite.expiresAt} now={now()} /> }} />
        )}
      </p>
      <Failed code={action.failure.value?.code} />
      {!invite.used && (
        <div class="buttons">
          <Button
            busy={action.busy.value}
            onPress={() => void action.run(() => store.revokeInvite(invite.id))}
          >
            {say("invites.revoke")}
          </Button>
        </div>
      )}
    </li>
  );
}
