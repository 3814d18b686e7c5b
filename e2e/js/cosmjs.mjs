// The two CosmJS in the field: 0.32, which most wallets and dApps still pin, and the newest.
import { createRequire } from "node:module";

/** The packages of one of them: `version` is `0.32` or `newest`. */
export function cosmjs(version) {
  const entry = { 0.32: "@cosmjs/stargate", newest: "@cosmjs-newest/stargate" }[version];
  if (!entry) throw new Error(`expected 0.32 or newest, found ${version}`);
  const require = createRequire(import.meta.url);
  // The other packages are those that this one stands on.
  const beside = createRequire(require.resolve(entry));
  const [amino, signing, rpc] = ["amino", "proto-signing", "tendermint-rpc"].map((name) => beside(`@cosmjs/${name}`));
  return { amino, signing, rpc, stargate: require(entry), types: (path) => beside(version === "newest" ? `cosmjs-types/${path}` : `cosmjs-types/${path}.js`) };
}

export const prefix = "cairn";
export const denom = "ucairn";
export const ucairn = (amount) => [{ denom, amount: String(amount) }];
/** A fee that every transaction here is content with. */
export const fee = (more = {}) => ({ amount: ucairn(500), gas: "500000", ...more });
