import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Failure, FailureCode, Outcome } from "../store/model";
import { say, type WordKey } from "../words/words";

/** The sentence for a code. The type refuses to compile while a code has none. */
export function failureWords(code: FailureCode): string {
  const key: WordKey = `error.${code}`;
  return say(key);
}

export type Action = {
  readonly busy: ReadonlySignal<boolean>;
  readonly failure: Signal<Failure | null>;
  /** One at a time: a second press while the first is on its way does nothing and answers `null`. */
  readonly run: <T>(act: () => Promise<Outcome<T>>) => Promise<Outcome<T> | null>;
};

export function useAction(): Action {
  const busy = useSignal(false);
  const failure = useSignal<Failure | null>(null);
  const run = async <T,>(act: () => Promise<Outcome<T>>): Promise<Outcome<T> | null> => {
    if (busy.value) return null;
    busy.value = true;
    failure.value = null;
    try {
      const outcome = await act();
      if (!outcome.ok) failure.value = outcome;
      return outcome;
    } catch {
      // A fault of ours; its text is for nobody who uses the app.
      const broken: Failure = { ok: false, code: "server.broken", details: {} };
      failure.value = broken;
      return broken;
    } finally {
      busy.value = false;
    }
  };
  return { busy, failure, run };
}

/** Said at once by screen readers, and marked by a shape as well as by colour. Always there, so that it is heard. */
export function Fault({ id, text }: { readonly id?: string; readonly text: string | null }): VNode {
  return (
    <div role="alert" {...(id === undefined ? {} : { id })} class="failed">
      {text !== null && (
        <p>
          <span class="mark" aria-hidden="true">
            !
          </span>
          {text}
        </p>
      )}
    </div>
  );
}

export function Failed({
  code,
  after,
}: {
  readonly code: FailureCode | undefined;
  readonly after?: string;
}): VNode {
  return <Fault text={code === undefined ? null : failureWords(code) + (after ? ` ${after}` : "")} />;
}

/** The heading takes the focus when its screen comes, so that a screen reader starts there. */
export function Heading({ children }: { readonly children: ComponentChildren }): VNode {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    ref.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 ref={ref} tabIndex={-1}>
      {children}
    </h1>
  );
}

export type FieldProps = {
  readonly label: string;
  readonly value: Signal<string>;
  readonly hint?: string;
  readonly error?: string | null;
  /** Hides the digits. Not a password field: the browser would offer to keep it. */
  readonly secret?: boolean;
  readonly numeric?: boolean;
  readonly maxLength?: number;
  readonly readOnly?: boolean;
  readonly inputRef?: { current: HTMLInputElement | null };
};

export function Field({
  label,
  value,
  hint,
  error,
  secret,
  numeric,
  maxLength,
  readOnly,
  inputRef,
}: FieldProps): VNode {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <input
        id={id}
        {...(inputRef ? { ref: inputRef } : {})}
        type="text"
        class={secret ? "secret" : undefined}
        inputMode={numeric ? "numeric" : undefined}
        autoComplete="off"
        autoCapitalize="none"
        spellcheck={false}
        dir={secret ? "ltr" : "auto"}
        maxLength={maxLength}
        readOnly={readOnly}
        value={value.value}
        aria-describedby={described || undefined}
        aria-invalid={error ? true : undefined}
        onInput={(event) => {
          value.value = event.currentTarget.value;
        }}
      />
      <Fault id={`${id}-error`} text={error ?? null} />
    </div>
  );
}

export type ChoiceOption<T extends string> = {
  readonly value: T;
  readonly label: ComponentChildren;
  readonly text?: string;
};

/** Radio buttons as large cards. */
export function Choice<T extends string>({
  legend,
  options,
  value,
  quietLegend,
}: {
  readonly legend: string;
  readonly options: readonly ChoiceOption<T>[];
  readonly value: Signal<T | null>;
  readonly quietLegend?: boolean;
}): VNode {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class={quietLegend ? "for-readers" : undefined}>{legend}</legend>
      {options.map((option) => (
        <label key={option.value} class="card option">
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={value.value === option.value}
            onChange={() => {
              value.value = option.value;
            }}
          />
          <span>
            <span class="option-label">{option.label}</span>
            {option.text && <span class="option-text">{option.text}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export function Select<T extends string>({
  label,
  hint,
  options,
  value,
}: {
  readonly label: string;
  readonly hint?: string;
  readonly options: readonly { readonly value: T; readonly label: string; readonly lang?: string }[];
  readonly value: Signal<T>;
}): VNode {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      <select
        id={id}
        value={value.value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => {
          value.value = event.currentTarget.value as T;
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} lang={option.lang}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

export type ButtonProps = {
  readonly children: ComponentChildren;
  readonly onPress?: () => void;
  readonly kind?: "main" | "plain" | "quiet";
  readonly busy?: boolean;
  readonly submit?: boolean;
  readonly label?: string;
};

/** A busy button stays where it is and keeps the focus; it only stops answering. */
export function Button({ children, onPress, kind = "plain", busy, submit, label }: ButtonProps): VNode {
  return (
    <button
      type={submit ? "submit" : "button"}
      class={`button ${kind}`}
      aria-disabled={busy ? true : undefined}
      aria-label={label}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onPress?.();
      }}
    >
      {children}
    </button>
  );
}

/** A page without JavaScript. Another tab, since leaving this one would end a session that lives in memory alone. */
export function OutLink({
  href,
  children,
}: {
  readonly href: string;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <a class="button plain" href={href} target="_blank" rel="noopener noreferrer">
      {children} <span class="hint">({say("app.new_tab")})</span>
    </a>
  );
}
