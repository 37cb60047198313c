import { render, type VNode } from "preact";
import { useEffect } from "preact/hooks";
import type { AppStore } from "../store/model.js";
import { currentLanguage, say, textDirection } from "../words/words.js";
import type { Exit } from "./exit.js";
import { InviteScreen, StartScreen } from "./invite.js";
import { InvitesScreen } from "./invites.js";
import { NewRoomScreen } from "./newRoom.js";
import { Button, Heading, OutLink } from "./parts.js";
import { RoomPlace } from "./roomDoor.js";
import { RoomsScreen } from "./rooms.js";
import { HELP_PAGE, Shell } from "./shell.js";
import { SignUpScreen } from "./signUp.js";
import { createUi, UiContext, useUi, type Ui } from "./ui.js";
import { UnlockScreen } from "./unlock.js";
import { YouScreen } from "./you.js";

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
  return (
    <UiContext.Provider value={ui}>
      <Screen key={phase} />
    </UiContext.Provider>
  );
}

function Screen(): VNode {
  const { store } = useUi();
  switch (store.phase.value) {
    case "loading":
      return <LoadingScreen />;
    case "invite":
      return <InviteScreen />;
    case "sign-up":
      return <SignUpScreen />;
    case "signed-out":
      return <StartScreen />;
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
}: {
  readonly store: AppStore;
  readonly root: HTMLElement;
  readonly exit: Exit;
}): Ui {
  const ui = createUi(store);
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
