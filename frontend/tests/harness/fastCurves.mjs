// Thirty-one phones bring thirty-one processors; one machine that plays them all has two. With this loaded, Ed25519 and
// X25519 run in OpenSSL instead of JavaScript (a signature checks in 0.1 ms instead of 2), so that a scenario measures the
// protocol and the server, and not how long thirty devices' arithmetic takes on one processor. Everything else is the app's
// own code, and what passes here is the same bytes: fastCurves.test.ts holds the two against each other.
import { register } from "node:module";

const hooks = `
export async function resolve(specifier, context, next) {
  const isOurs = context.parentURL?.includes("/src/crypto/") ?? false;
  if (specifier === "@noble/curves/ed25519.js" && isOurs) {
    return { url: ${JSON.stringify(new URL("./opensslCurves.mjs", import.meta.url).href)}, shortCircuit: true };
  }
  return next(specifier, context);
}`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
