import { Fragment, type ComponentChildren, type VNode } from "preact";
import { pieces, say, type WordKey } from "../words/words";

/** A name that somebody chose: its own direction never turns the sentence around it. */
export function Name({ of }: { readonly of: string }): VNode {
  return <bdi class="name">{of}</bdi>;
}

/** A room's name, or plain words for one that was not opened yet: a link may come before its room. */
export function RoomName({ room }: { readonly room: { readonly name: string } }): VNode {
  return room.name === "" ? <>{say("rooms.unnamed")}</> : <Name of={room.name} />;
}

/** A sentence whose places are filled with elements: names and times in `<bdi>`. All of it is text nodes. */
export function Sentence({
  words,
  places,
}: {
  readonly words: WordKey;
  readonly places: Readonly<Record<string, ComponentChildren>>;
}): VNode {
  return (
    <>
      {pieces(words).map((piece, index) => (
        <Fragment key={index}>{index % 2 === 0 ? piece : places[piece]}</Fragment>
      ))}
    </>
  );
}
