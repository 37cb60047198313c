/** The one WebSocket as the layers above see it: frames out, frames in, and whether it lives. */
import type { ClientFrame, RoomPresence, ServerFrame } from "./generated";

/**
 * `waiting`: not now, tried again by itself. `ended`: not tried again until `start`, since only signing in anew, a newer
 * connection or a newer app can help; `closeCode` says which.
 */
export type LinkState =
  | { readonly kind: "connecting" | "live" }
  | { readonly kind: "waiting"; readonly failures: number }
  | { readonly kind: "ended"; readonly closeCode: number };

export interface LinkHandlers {
  /** Frames come in order. A pushed one is credited to the server once the promise is settled. */
  onFrame: (frame: ServerFrame) => Promise<void>;
  onState: (state: LinkState) => void;
  /** A frame that is always right to ask and always answered, for when nothing was heard for a while. */
  ping: () => ClientFrame;
}

export interface Link {
  start: (handlers: LinkHandlers) => void;
  stop: () => void;
  /** False when no socket lives: nothing was sent. True says nothing about its arrival. */
  send: (frame: ClientFrame) => boolean;
  /** Which rooms are on the screen; said at once, and again as long as the lease needs it. */
  showRooms: (rooms: readonly RoomPresence[]) => void;
}
