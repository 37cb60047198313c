/** Signing in with the device's key, and calls that do so by themselves when the session ended. */
import { signStatement } from "../crypto/statements";
import { randomBytes } from "../crypto/random";
import type { Api } from "../protocol/endpoints";
import { CallError } from "../protocol/failure";
import type { SelfRecord } from "./records";

const NONCE_BYTES = 32;

/** Sign the server's nonce, one of our own, and the origin that the browser shows: a proxy elsewhere can't use it. */
export async function signIn(api: Api, self: SelfRecord, origin: string): Promise<void> {
  const challenge = await api.call("challenge", { device_id: self.deviceId });
  const statement = signStatement(
    "SignInStatement",
    {
      device_id: self.deviceId,
      server_nonce: challenge.server_nonce,
      client_nonce: randomBytes(NONCE_BYTES),
      origin,
    },
    self.root,
    self.deviceSeed,
  );
  await api.call("signIn", { statement });
}

/** Return calls that sign in once when the session is over, and then ask again. */
export function createSignedInApi(api: Api, self: SelfRecord, origin: string): Api {
  let signingIn: Promise<void> | null = null;
  return {
    call: async (name, body, options) => {
      try {
        return await api.call(name, body, options);
      } catch (error) {
        if (!(error instanceof CallError) || error.code !== "session.signed_out") throw error;
        signingIn ??= signIn(api, self, origin).finally(() => {
          signingIn = null;
        });
        await signingIn;
        return api.call(name, body, options);
      }
    },
  };
}
