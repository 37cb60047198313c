import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Candidate, Role } from "../store/model";
import { say } from "../words/words";
import { Confirm } from "./dialog";
import { Button, Failed, useAction } from "./parts";
import { Name, Sentence } from "./rich";
import { useUi } from "./ui";
import { When } from "./when";

/** A steward compares a number with the person before anyone gets powers: a link alone gives none. */
export function CertifySection(): VNode {
  const { store } = useUi();
  const list = useAction();
  useEffect(() => {
    void list.run(() => store.loadCandidates());
    // Once, when the screen comes; `list` is new at each render.
  }, [store]);
  const candidates = store.candidates.value;
  return (
    <section>
      <h2>{say("certify.title")}</h2>
      <Failed code={list.failure.value?.code} />
      {candidates.length === 0 ? (
        <p class="hint">{say("certify.none")}</p>
      ) : (
        <>
          <p>{say("certify.text")}</p>
          <ul class="cards">
            {candidates.map((candidate) => (
              <Row key={candidate.accountId} candidate={candidate} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Row({ candidate }: { readonly candidate: Candidate }): VNode {
  const { store, now } = useUi();
  const asking = useSignal(false);
  const role = candidate.invitedAs === "member" ? null : candidate.invitedAs;
  return (
    <li class="card">
      <p>
        <Name of={candidate.handle} />{" "}
        <span class="hint">{say("certify.invited_as", { role: say(`role.${candidate.invitedAs}`) })}</span>
      </p>
      <p>
        <span class="hint">{say("certify.number")}</span>{" "}
        <span class="number">
          <bdi>{candidate.safetyCode}</bdi>
        </span>
      </p>
      <p class="fact">
        {candidate.standing === "delayed" && candidate.effectiveAt !== null ? (
          <Sentence
            words="certify.standing.delayed"
            places={{ time: <When at={candidate.effectiveAt} now={now()} /> }}
          />
        ) : (
          say(`certify.standing.${candidate.standing}`)
        )}
      </p>
      {role !== null && candidate.standing !== "effective" && candidate.standing !== "delayed" && (
        <div class="buttons">
          <Button
            onPress={() => {
              asking.value = true;
            }}
          >
            {say("certify.confirm")}
          </Button>
        </div>
      )}
      {asking.value && role !== null && (
        <ConfirmCertify
          candidate={candidate}
          role={role}
          act={() => store.certify(candidate.accountId, role)}
          close={() => {
            asking.value = false;
          }}
        />
      )}
    </li>
  );
}

function ConfirmCertify({
  candidate,
  role,
  act,
  close,
}: {
  readonly candidate: Candidate;
  readonly role: Role;
  readonly act: () => ReturnType<ReturnType<typeof useUi>["store"]["certify"]>;
  readonly close: () => void;
}): VNode {
  const roleWord = say(`role.${role}`);
  return (
    <Confirm
      title={
        <Sentence
          words="certify.confirm_title"
          places={{ name: <Name of={candidate.handle} />, role: roleWord }}
        />
      }
      text={say("certify.confirm_text", { role: roleWord })}
      confirm={say("certify.confirm")}
      act={act}
      onClose={close}
    />
  );
}
