import { render, type VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { AppStore } from "../store/model";
import { currentLanguage, say, textDirection } from "../words/words";
import type { Exit } from "./exit";
import { InviteScreen, StartScreen } from "./invite";
import { InvitesScreen } from "./invites";
import { NewRoomScreen } from "./newRoom";
import { Button, Heading, OutLink } from "./parts";
import { RoomPlace } from "./roomDoor";
import { RoomsScreen } from "./rooms";
import { HELP_PAGE, Shell } from "./shell";
import { SignUpScreen } from "./signUp";
import { createUi, UiContext, useUi, type Ui } from "./ui";
import { UnlockScreen } from "./unlock";
import { YouScreen } from "./you";

/** The screen for where the store is; only while it is `open` does the place a person went to matter. */
export function App({ ui }: { readonly ui: Ui }): VNode {
  const phase = ui.store.phase.value;
  useEffect(() => {
    // Whoever comes back after a lock starts from the rooms, with no dialog left open by someone before.
    if (phase === "open") return;
    ui.place.value = { at: "rooms" };
    ui.helpOpen.value = false;
    ui.practice.value = "off";
  }, [ui, phase]);
  const link = ui.heldLink.value;
  useEffect(() => {
    // Not while something is locked here: a new account would take the place of the one that is kept.
    if (link === null || (phase !== "open" && phase !== "signed-out")) return;
    ui.heldLink.value = null;
    // What goes wrong with it stands in `invite`.
    void ui.store.beginInvite(link);
  }, [ui, phase, link]);
  return (
    <UiContext.Provider value={ui}>
      <Screen key={phase} />
    </UiContext.Provider>
  );
}

function Screen(): VNode {
  const { store, heldLink } = useUi();
  switch (store.phase.value) {
    case "loading":
      return <LoadingScreen />;
    case "invite":
      return <InviteScreen />;
    case "sign-up":
      return <SignUpScreen />;
    case "signed-out":
      return heldLink.value === null ? <StartScreen /> : <LoadingScreen />;
    case "locked":
      return <UnlockScreen />;
    case "open":
      return <OpenScreen />;
    case "left":
      return <></>;
    case "other-tab":
      return <SorryScreen about="other_tab" />;
    case "unsupported":
      return <SorryScreen about="unsupported" />;
  }
}

function OpenScreen(): VNode {
  const place = useUi().place.value;
  switch (place.at) {
    case "rooms":
      return <RoomsScreen />;
    case "room":
      return <RoomPlace key={place.id} id={place.id} view={place.view} />;
    case "new-room":
      return <NewRoomScreen />;
    case "invites":
      return <InvitesScreen roomId={place.roomId} />;
    case "you":
      return <YouScreen />;
  }
}

function LoadingScreen(): VNode {
  return (
    <Shell>
      <p role="status">{say("app.loading")}</p>
      <p class="hint">{say("app.slow")}</p>
    </Shell>
  );
}

function SorryScreen({ about }: { readonly about: "other_tab" | "unsupported" }): VNode {
  const { store } = useUi();
  return (
    <Shell>
      <Heading>{say(`${about}.title`)}</Heading>
      <p>{say(`${about}.text`)}</p>
      <div class="buttons">
        {about === "other_tab" && (
          <Button kind="main" onPress={() => void store.start()}>
            {say("app.again")}
          </Button>
        )}
        <OutLink href={HELP_PAGE}>{say("help.lines")}</OutLink>
      </div>
    </Shell>
  );
}

/** Draw the app into `root` for as long as the page lives. */
export function mountApp({
  store,
  root,
  exit,
  link,
}: {
  readonly store: AppStore;
  readonly root: HTMLElement;
  readonly exit: Exit;
  /** What stood after `#` in the address, or nothing. */
  readonly link: string | null;
}): Ui {
  const ui = createUi(store);
  ui.heldLink.value = link;
  exit.intercept = () => {
    if (ui.practice.value !== "armed") return false;
    ui.practice.value = "showing";
    return true;
  };
  document.documentElement.lang = currentLanguage();
  document.documentElement.dir = textDirection(currentLanguage());
  root.replaceChildren();
  render(<App ui={ui} />, root);
  return ui;
}
