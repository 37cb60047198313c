import type { ComponentChildren, VNode } from "preact";
import { useEffect } from "preact/hooks";
import { useComputed, useSignal } from "@preact/signals";
import type { DeviceKind } from "../store/model";
import { say } from "../words/words";
import { checkLine, HANDLE_MAX, type LineFault } from "./handles";
import { Button, Choice, Failed, Fault, Field, Heading, Select, useAction } from "./parts";
import { PinForm } from "./pin";
import type { SignUpDraft } from "./signUp";
import { useUi } from "./ui";

type StepProps = { readonly draft: SignUpDraft; readonly goOn: () => void };

function StepForm({
  goOn,
  children,
}: {
  readonly goOn: () => void;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        goOn();
      }}
    >
      {children}
    </form>
  );
}

function GoOn(): VNode {
  return (
    <div class="buttons">
      <Button kind="main" submit>
        {say("app.go_on")}
      </Button>
    </div>
  );
}

/** "Not sure" counts as yes, and neither answer turns anyone away. */
export function DeviceStep({ draft, goOn }: StepProps): VNode {
  const options: readonly { readonly value: DeviceKind; readonly label: string; readonly text: string }[] = [
    { value: "shared", label: say("device.shared"), text: say("device.shared_text") },
    { value: "own", label: say("device.own"), text: say("device.own_text") },
  ];
  return (
    <StepForm
      goOn={() => {
        draft.device.value ??= "shared";
        goOn();
      }}
    >
      <Heading>{say("device.title")}</Heading>
      <p>{say("device.text")}</p>
      <Choice legend={say("device.title")} quietLegend options={options} value={draft.device} />
      <section class="panel">
        <h2>{say("device.safer")}</h2>
        <ul>
          <li>{say("device.safer_1")}</li>
          <li>{say("device.safer_2")}</li>
          <li>{say("device.safer_3")}</li>
        </ul>
      </section>
      <GoOn />
    </StepForm>
  );
}

function nameError(fault: LineFault | "taken" | null): string | null {
  return fault && say(`name.${fault}`, { max: HANDLE_MAX });
}

export function NameStep({ draft, goOn }: StepProps): VNode {
  const { store } = useUi();
  const fault = useSignal<LineFault | null>(null);
  const languages = store.community.value?.languages ?? ["en"];
  const check = () => {
    const checked = checkLine(draft.handle.value, HANDLE_MAX);
    fault.value = checked.fault;
    if (checked.fault !== null) return;
    draft.handle.value = checked.line;
    goOn();
  };
  return (
    <StepForm goOn={check}>
      <Heading>{say("name.title")}</Heading>
      <p>{say("name.text")}</p>
      <Field
        label={say("name.handle")}
        hint={say("name.handle_hint", { max: HANDLE_MAX })}
        value={draft.handle}
        error={nameError(fault.value ?? (draft.nameTaken.value ? "taken" : null))}
      />
      {languages.length > 1 && (
        <Select
          label={say("name.language")}
          hint={say("name.language_hint")}
          value={draft.language}
          options={languages.map((tag) => ({ value: tag, label: ownNameOf(tag), lang: tag }))}
        />
      )}
      <GoOn />
    </StepForm>
  );
}

/** A language's name in that language; the tag where the browser knows none. */
function ownNameOf(tag: string): string {
  try {
    return new Intl.DisplayNames([tag], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

const READS = ["people", "server", "leaders", "stewards", "gone", "proof", "limit"] as const;

/** Who reads what and when it disappears, before the first word is written. Refusing is a button of the same size. */
export function ReadsStep({
  goOn,
  refuse,
}: {
  readonly goOn: () => void;
  readonly refuse: () => void;
}): VNode {
  return (
    <>
      <Heading>{say("reads.title")}</Heading>
      <dl class="facts">
        {READS.map((who) => (
          <div key={who}>
            <dt>{say(`reads.${who}_term`)}</dt>
            <dd>{say(`reads.${who}`)}</dd>
          </div>
        ))}
      </dl>
      <p>{say("reads.no")}</p>
      <div class="buttons">
        <Button kind="main" onPress={goOn}>
          {say("reads.agree")}
        </Button>
        <Button onPress={refuse}>{say("reads.refuse")}</Button>
      </div>
    </>
  );
}

/** The real button and the real keys, with a cover in place of leaving. */
export function PracticeStep({ goOn }: { readonly goOn: () => void }): VNode {
  const { practice } = useUi();
  const tried = useComputed(() => practice.value === "off");
  useEffect(() => {
    practice.value = "armed";
    return () => {
      practice.value = "off";
    };
  }, [practice]);
  return (
    <>
      <Heading>{say("practice.title")}</Heading>
      {tried.value ? (
        <p role="status" class="lead">
          {say("practice.done")}
        </p>
      ) : (
        <>
          <p class="lead">{say("practice.text")}</p>
          <p>{say("practice.keys")}</p>
        </>
      )}
      <p>{say("practice.cannot")}</p>
      <div class="buttons">
        <Button kind={tried.value ? "main" : "plain"} onPress={goOn}>
          {tried.value ? say("app.go_on") : say("practice.skip")}
        </Button>
      </div>
    </>
  );
}

export function PhraseStep({ draft, goOn }: StepProps): VNode {
  const { store } = useUi();
  const action = useAction();
  const make = async () => {
    const outcome = await action.run(() => store.newPhrase());
    if (outcome?.ok) draft.words.value = outcome.words;
  };
  useEffect(() => {
    if (draft.words.value.length === 0) void make();
    // Once, when the step comes; `make` is new at each render.
  }, []);
  const words = draft.words.value;
  return (
    <>
      <Heading>{say("phrase.title")}</Heading>
      <p>{say(draft.device.value === "own" ? "phrase.text_own" : "phrase.text_shared")}</p>
      {words.length === 0 ? (
        <p role="status">{action.busy.value && say("phrase.making")}</p>
      ) : (
        <ol class="phrase" aria-label={say("phrase.list")} translate={false} lang="en" dir="ltr">
          {words.map((word, index) => (
            <li key={index}>{word}</li>
          ))}
        </ol>
      )}
      <Failed code={action.failure.value?.code} />
      <p>{say("phrase.keep")}</p>
      <div class="buttons">
        {words.length > 0 && (
          <Button kind="main" onPress={goOn}>
            {say("phrase.noted")}
          </Button>
        )}
        <Button busy={action.busy.value} onPress={() => void make()}>
          {words.length > 0 ? say("phrase.other") : say("app.again")}
        </Button>
      </div>
    </>
  );
}

/** Two words of the six, one from each half, so that the end was written down too. */
export function CheckStep({ draft, goOn, lookAgain }: StepProps & { readonly lookAgain: () => void }): VNode {
  const asked = useSignal([1 + Math.floor(Math.random() * 3), 4 + Math.floor(Math.random() * 3)] as const);
  const answers = [useSignal(""), useSignal("")] as const;
  const wrong = useSignal(false);
  const check = () => {
    const right = asked.value.every(
      (number, index) => answers[index]?.value.trim().toLowerCase() === draft.words.value[number - 1],
    );
    wrong.value = !right;
    if (right) goOn();
  };
  return (
    <StepForm goOn={check}>
      <Heading>{say("phrase.check_title")}</Heading>
      <p>{say("phrase.check_text")}</p>
      {answers.map((answer, index) => (
        <Field
          key={index}
          label={say("phrase.check_word", { number: asked.value[index] ?? 0 })}
          value={answer}
        />
      ))}
      <Fault text={wrong.value ? say("phrase.check_wrong") : null} />
      <GoOn />
      <div class="buttons">
        <Button onPress={lookAgain}>{say("phrase.look_again")}</Button>
      </div>
    </StepForm>
  );
}

export function PinStep({ done }: { readonly done: (pin: string | null) => void }): VNode {
  return (
    <>
      <Heading>{say("pin.title")}</Heading>
      <p>{say("pin.text")}</p>
      <PinForm submit={say("pin.finish")} done={done} />
      <div class="buttons">
        <Button
          onPress={() => {
            done(null);
          }}
        >
          {say("pin.none")}
        </Button>
      </div>
    </>
  );
}
