import type { VNode } from "preact";
import { useSignal, type Signal } from "@preact/signals";
import type { DeviceKind, Failure } from "../store/model";
import { say } from "../words/words";
import { Button, Failed, Heading } from "./parts";
import { Shell } from "./shell";
import { CheckStep, DeviceStep, NameStep, PhraseStep, PinStep, PracticeStep, ReadsStep } from "./signUpSteps";
import { useUi } from "./ui";

/** What the steps gather. It lives in memory until the account is made, and nowhere else. */
export type SignUpDraft = {
  readonly device: Signal<DeviceKind | null>;
  readonly handle: Signal<string>;
  readonly language: Signal<string>;
  readonly words: Signal<readonly string[]>;
  readonly nameTaken: Signal<boolean>;
};

type Step = "device" | "name" | "reads" | "practice" | "phrase" | "check" | "pin" | "making";

function stepsFor(device: DeviceKind | null): readonly Step[] {
  const steps: readonly Step[] = ["device", "name", "reads", "practice", "phrase", "check"];
  return device === "shared" ? steps : [...steps, "pin"];
}

/** From the invite to an account, one question on each screen. The name comes after who else may see the device. */
export function SignUpScreen(): VNode {
  const ui = useUi();
  const { store } = ui;
  const step = useSignal<Step>("device");
  const pin = useSignal<string | null>(null);
  const confirmed = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const draft: SignUpDraft = {
    device: useSignal<DeviceKind | null>(null),
    handle: useSignal(""),
    language: useSignal(firstLanguage(store.community.value?.languages ?? ["en"])),
    words: useSignal<readonly string[]>([]),
    nameTaken: useSignal(false),
  };
  const steps = stepsFor(draft.device.value);
  const index = steps.indexOf(step.value);

  const make = async () => {
    step.value = "making";
    failure.value = null;
    const outcome = await store.signUp({
      handle: draft.handle.value,
      language: draft.language.value,
      deviceKind: draft.device.value ?? "shared",
      pin: pin.value,
      phraseConfirmed: confirmed.value,
    });
    if (outcome.ok) return;
    if (outcome.code === "account.handle_taken") {
      draft.nameTaken.value = true;
      step.value = "name";
    } else if (outcome.code === "device.no_storage") {
      draft.device.value = "shared";
      pin.value = null;
      failure.value = outcome;
    } else {
      failure.value = outcome;
    }
  };
  const goOn = () => {
    // Coming back to the name alone: what was chosen after it still stands.
    if (step.value === "name" && confirmed.value) {
      draft.nameTaken.value = false;
      void make();
      return;
    }
    if (step.value === "check") confirmed.value = true;
    const next = steps[index + 1];
    if (next === undefined) void make();
    else step.value = next;
  };
  const goBack = () => {
    const before = steps[index - 1];
    if (before === undefined) store.dropInvite();
    else step.value = before;
  };

  const screens: Readonly<Record<Step, () => VNode>> = {
    device: () => <DeviceStep draft={draft} goOn={goOn} />,
    name: () => <NameStep draft={draft} goOn={goOn} />,
    reads: () => <ReadsStep goOn={goOn} refuse={store.dropInvite} />,
    practice: () => <PracticeStep goOn={goOn} />,
    phrase: () => <PhraseStep draft={draft} goOn={goOn} />,
    check: () => (
      <CheckStep
        draft={draft}
        goOn={goOn}
        lookAgain={() => {
          step.value = "phrase";
        }}
      />
    ),
    pin: () => (
      <PinStep
        done={(chosen) => {
          pin.value = chosen;
          goOn();
        }}
      />
    ),
    making: () => <Making failure={failure.value} again={() => void make()} />,
  };

  return (
    <Shell {...(step.value === "making" ? {} : { back: goBack })}>
      {index >= 0 && <p class="hint">{say("app.step", { step: index + 1, steps: steps.length })}</p>}
      {/* A new step is a new page: nothing typed in one stays in the fields of the next. */}
      <div key={step.value} class="step">
        {screens[step.value]()}
      </div>
    </Shell>
  );
}

function Making({ failure, again }: { readonly failure: Failure | null; readonly again: () => void }): VNode {
  const { store } = useUi();
  if (failure === null) {
    return (
      <>
        <Heading>{say("signing_up.title")}</Heading>
        <p role="status">{say("signing_up.text")}</p>
      </>
    );
  }
  return (
    <>
      <Heading>{say("signing_up.failed")}</Heading>
      <Failed code={failure.code} />
      {failure.code === "device.no_storage" && <p>{say("signing_up.no_storage")}</p>}
      <div class="buttons">
        <Button kind="main" onPress={again}>
          {say(failure.code === "device.no_storage" ? "app.go_on" : "app.again")}
        </Button>
        <Button onPress={store.dropInvite}>{say("app.cancel")}</Button>
      </div>
    </>
  );
}

/** The browser's language where the community has it, else the community's own. */
function firstLanguage(offered: readonly string[]): string {
  const wanted = navigator.language;
  const short = wanted.split("-")[0] ?? wanted;
  return offered.find((tag) => tag === wanted) ?? offered.find((tag) => tag === short) ?? offered[0] ?? "en";
}
