import type { ComponentChildren, VNode } from "preact";
import type { Connection } from "../store/model";
import { say } from "../words/words";
import { Dialog } from "./dialog";
import { Button, OutLink } from "./parts";
import { useUi } from "./ui";

/** Pages of the server that need no JavaScript. */
export const HELP_PAGE = "/help";

/** The frame of every screen: the way out and the way to help never scroll away. */
export function Shell({
  back,
  children,
  wide,
}: {
  readonly back?: () => void;
  readonly children: ComponentChildren;
  /** The screen scrolls by itself: the room. */
  readonly wide?: boolean;
}): VNode {
  const ui = useUi();
  const open = ui.store.phase.value === "open";
  return (
    <div class="shell">
      <header>
        <div class="bar">
          {back && (
            <Button kind="quiet" label={say("app.back")} onPress={back}>
              <span class="arrow" aria-hidden="true">
                ‹
              </span>
              <span class="back-word">{say("app.back")}</span>
            </Button>
          )}
          <span class="grow" />
          <button
            type="button"
            class="button help"
            onClick={() => {
              ui.helpOpen.value = true;
            }}
          >
            {say("app.help")}
          </button>
          <button type="button" class="button exit" data-exit title={say("app.exit_hint")}>
            {say("app.exit")}
          </button>
        </div>
        {open && <ConnectionLine connection={ui.store.connection.value} />}
      </header>
      <main class={wide ? "room" : "page"}>{children}</main>
      {ui.helpOpen.value && <HelpPanel />}
      {ui.practice.value === "showing" && <PracticePage />}
    </div>
  );
}

const SIGNS = { connecting: "◌", online: "●", offline: "▲" } as const;

function ConnectionLine({ connection }: { readonly connection: Connection }): VNode {
  return (
    <p role="status" class={`connection ${connection.state}`}>
      <span aria-hidden="true">{SIGNS[connection.state]}</span> {say(`connection.${connection.state}`)}
    </p>
  );
}

function HelpPanel(): VNode {
  const { helpOpen } = useUi();
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <Dialog title={say("help.title")} onClose={close}>
      <p>{say("help.danger")}</p>
      <OutLink href={HELP_PAGE}>{say("help.lines")}</OutLink>
      <p>{say("help.truth")}</p>
      <div class="buttons">
        <Button onPress={close}>{say("app.close")}</Button>
      </div>
    </Dialog>
  );
}

/** Covers everything, as the real exit does, so that practising is safe when somebody does come in. */
function PracticePage(): VNode {
  const { practice } = useUi();
  return (
    <Dialog
      cover
      title={say("exit.practice_title")}
      onClose={() => {
        practice.value = "off";
      }}
    >
      <p>{say("exit.practice")}</p>
      <div class="buttons">
        <Button
          kind="main"
          onPress={() => {
            practice.value = "off";
          }}
        >
          {say("exit.practice_back")}
        </Button>
      </div>
    </Dialog>
  );
}
