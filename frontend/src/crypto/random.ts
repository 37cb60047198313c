/** The platform's random bytes, for the layers that may not reach into @noble. */
export { randomBytes } from "@noble/hashes/utils.js";
