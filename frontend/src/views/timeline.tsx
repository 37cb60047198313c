import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { EventLine, OpenRoom, TimelineItem } from "../store/model";
import { say, type WordKey } from "../words/words";
import { Message } from "./message";
import { Button } from "./parts";
import { Name, Sentence } from "./rich";
import { useUi } from "./ui";
import { describeDuration, When } from "./when";

const PAGE = 120;
const NEAR_END_PX = 80;

/**
 * What was said, oldest first. A log that announces additions only; what was there before is put in while it is busy, so
 * that nobody is read a whole evening. It follows the newest line unless its reader scrolled up.
 */
export function Timeline({ room }: { readonly room: OpenRoom }): VNode {
  const log = useRef<HTMLElement>(null);
  const follows = useRef(true);
  const away = useSignal(false);
  const shown = useSignal(PAGE);
  const filling = useSignal(false);

  const items = room.timeline.slice(-shown.value);
  const last = room.timeline[room.timeline.length - 1]?.key;
  const mine = room.timeline[room.timeline.length - 1];

  const toNewest = () => {
    const element = log.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(() => {
    // Whoever has just written wants to see it.
    if (follows.current || (mine?.kind === "message" && mine.own)) toNewest();
  }, [last, room.timeline.length]);
  useEffect(() => {
    const element = log.current;
    if (element === null || typeof ResizeObserver === "undefined") return undefined;
    // The keyboard of a phone takes half of the room away.
    const observer = new ResizeObserver(() => {
      if (follows.current) toNewest();
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  useEffect(() => {
    filling.value = false;
  }, [shown.value]);

  return (
    <div class="log-box">
      <section
        ref={log}
        role="log"
        aria-label={say("room.log")}
        aria-live="polite"
        aria-relevant="additions"
        aria-busy={!room.loaded || filling.value}
        tabIndex={0}
        translate={false}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
          away.value = !follows.current;
        }}
      >
        {room.timeline.length > items.length && (
          <Button
            onPress={() => {
              filling.value = true;
              shown.value += PAGE;
            }}
          >
            {say("room.earlier")}
          </Button>
        )}
        {room.loaded && room.timeline.length === 0 && <p class="hint">{say("room.empty")}</p>}
        <ol>
          {items.map((item) => (
            <Line key={item.key} item={item} />
          ))}
        </ol>
      </section>
      {away.value && (
        <div class="to-newest">
          <Button onPress={toNewest}>{say("room.newest")}</Button>
        </div>
      )}
    </div>
  );
}

function Line({ item }: { readonly item: TimelineItem }): VNode {
  switch (item.kind) {
    case "message":
      return <Message line={item} />;
    case "start":
      return <li class="line">{say("line.start")}</li>;
    case "gap":
      return <li class="line">{say("line.gap")}</li>;
    case "event":
      return (
        <li class="line">
          <Event line={item} />
        </li>
      );
  }
}

const ABOUT_SOMEONE = {
  opened: ["line.opened", "line.opened_you"],
  admitted: ["line.admitted", "line.admitted_you"],
  left: ["line.left", "line.left_you"],
  "made-leader": ["line.made_leader", "line.made_leader_you"],
  "made-member": ["line.made_member", "line.made_member_you"],
  muted: ["line.muted", "line.muted_you"],
  unmuted: ["line.unmuted", "line.unmuted_you"],
} as const satisfies Readonly<Record<string, readonly [WordKey, WordKey]>>;

function Event({ line }: { readonly line: EventLine }): VNode {
  const { now } = useUi();
  switch (line.what) {
    case "locked":
      return <>{say("line.locked")}</>;
    case "unlocked":
      return <>{say("line.unlocked")}</>;
    case "expiry":
      return <>{say("line.expiry", { time: describeDuration(line.expirySeconds) })}</>;
    case "removed":
      // Not who: those who were there know, and for the others it would be a name on a wall.
      return (
        <Sentence
          words="line.removed"
          places={{ from: <When at={line.from} now={now()} />, until: <When at={line.until} now={now()} /> }}
        />
      );
    case "opened":
    case "admitted":
    case "left":
    case "made-leader":
    case "made-member":
    case "muted":
    case "unmuted": {
      const [other, own] = ABOUT_SOMEONE[line.what];
      return line.own ? (
        <>{say(own)}</>
      ) : (
        <Sentence words={other} places={{ name: <Name of={line.handle} /> }} />
      );
    }
  }
}
