/**
 * MLSMessage bytes in and out (RFC 9420 §6). Decoding accepts only what encoding would have written: ts-mls ignores
 * trailing bytes and over-long length prefixes, and so would let the server make several byte strings of one message.
 */
import { decodeMlsMessage, encodeMlsMessage, type MLSMessage } from "ts-mls/message.js";
import type { KeyPackage } from "ts-mls/keyPackage.js";
import type { PrivateMessage } from "ts-mls/privateMessage.js";
import type { Welcome } from "ts-mls/welcome.js";
import { equalBytes } from "./bytes";
import { SUITE_NAME } from "./provider";
import { Refusal, refuse } from "./refusal";

function decode(bytes: Uint8Array): MLSMessage {
  try {
    const decoded = decodeMlsMessage(bytes, 0);
    if (decoded === undefined) return refuse("malformed");
    const [message, length] = decoded;
    if (length !== bytes.length || !equalBytes(encodeMlsMessage(message), bytes))
      refuse("malformed", "not canonical");
    return message;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return refuse("malformed");
  }
}

/** Copied first: what is decoded are views, and parts of them live on in the state. */
const decodeCopy = (bytes: Uint8Array): MLSMessage => decode(bytes.slice());

export function decodePrivateMessage(bytes: Uint8Array): PrivateMessage {
  const message = decodeCopy(bytes);
  return message.wireformat === "mls_private_message"
    ? message.privateMessage
    : refuse("malformed", "wire format");
}

export function decodeWelcome(bytes: Uint8Array): Welcome {
  const message = decodeCopy(bytes);
  if (message.wireformat !== "mls_welcome") return refuse("malformed", "wire format");
  return message.welcome.cipherSuite === SUITE_NAME ? message.welcome : refuse("wrong-suite");
}

export function decodeKeyPackage(bytes: Uint8Array): KeyPackage {
  const message = decodeCopy(bytes);
  if (message.wireformat !== "mls_key_package") return refuse("malformed", "wire format");
  const { keyPackage } = message;
  if (keyPackage.cipherSuite !== SUITE_NAME) refuse("wrong-suite");
  return keyPackage;
}

export function encodePrivateMessage(privateMessage: PrivateMessage): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_welcome", welcome });
}

export function encodeKeyPackage(keyPackage: KeyPackage): Uint8Array {
  return encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage });
}
