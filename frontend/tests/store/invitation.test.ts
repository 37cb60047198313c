import { describe, expect, it } from "vitest";
import { formatInviteFragment } from "../../src/crypto/invites";
import { newSigningKey } from "../../src/crypto/sodium";
import { signStatement } from "../../src/crypto/statements";
import type { Api } from "../../src/protocol/endpoints";
import type { InviteRole } from "../../src/protocol/generated";
import { InviteProblem, readInvitation } from "../../src/store/invitation";
import { claim, newCommunity, newPerson, START, type Community } from "../support/community";

const HERE = "http://127.0.0.1:8000";
const ELSEWHERE = "https://chat.example.org";

/** A community with one steward, who made one link; and a server that answers about it. */
function invited(options: { demo: boolean; saidRole?: InviteRole; shown?: Community }) {
  let community = newCommunity({ demo: options.demo });
  const steward = newPerson(community, "Ada");
  community = claim(community, steward);
  const key = newSigningKey();
  const certificate = signStatement(
    "InviteCertificate",
    {
      invite_key: key.publicKey,
      role: "member",
      room_id: null,
      inviter: { account_id: steward.accountId, device_id: steward.deviceId },
      expires_at: START + 1000,
    },
    community.root.publicKey,
    steward.device.seed,
  );
  const shown = options.shown ?? community;
  const answers: Record<string, unknown> = {
    lookAtInvite: {
      role: options.saidRole ?? "member",
      room_id: null,
      room_name: null,
      expires_at: START + 1000,
      certificate,
    },
    // What the server says of itself is not what is believed.
    community: { root: shown.root.publicKey, name: "Harbour", demo: false, languages: ["en"] },
    communityLog: { entries: shown.entries, accounts: [steward.log] },
  };
  const api: Api = { call: async (name) => answers[name] as never };
  const fragment = formatInviteFragment({ fingerprint: community.state.fingerprint, seed: key.seed });
  return { api, fragment };
}

async function outcome(read: Promise<unknown>): Promise<string> {
  try {
    await read;
    return "accepted";
  } catch (error) {
    if (error instanceof InviteProblem) return error.code;
    throw error;
  }
}

describe("an invite link", () => {
  const now = () => START + 10;

  it("is believed when the pinned root, the log and the inviter hang together", async () => {
    const { api, fragment } = invited({ demo: false });
    expect(await outcome(readInvitation(api, fragment, now, ELSEWHERE))).toBe("accepted");
  });

  it("to a demo is believed on the machine that runs it alone, whatever the server says of itself", async () => {
    const { api, fragment } = invited({ demo: true });
    expect(await outcome(readInvitation(api, fragment, now, HERE))).toBe("accepted");
    for (const origin of [ELSEWHERE, "https://127.example.org", "https://localhost.example.org"]) {
      expect(await outcome(readInvitation(api, fragment, now, origin))).toBe("invite.unverified");
    }
  });

  it("is refused when the server shows another community", async () => {
    const { api, fragment } = invited({ demo: false, shown: newCommunity({ demo: false }) });
    expect(await outcome(readInvitation(api, fragment, now, ELSEWHERE))).toBe("invite.unverified");
  });

  it("is refused when the server says another role than the inviter signed", async () => {
    const { api, fragment } = invited({ demo: false, saidRole: "leader" });
    expect(await outcome(readInvitation(api, fragment, now, ELSEWHERE))).toBe("invite.unverified");
  });

  it("that does not parse is called unreadable before anything is asked of the server", async () => {
    const api: Api = { call: () => Promise.reject(new Error("asked")) };
    expect(await outcome(readInvitation(api, "nonsense", now, ELSEWHERE))).toBe("invite.unreadable");
  });
});
