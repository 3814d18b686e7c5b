// The two CosmJS in the field: 0.32, which most wallets and dApps still pin, and the newest.

/** The packages of one of them: `version` is `0.32` or `newest`. */
export async function cosmjs(version) {
  const scope = { 0.32: "@cosmjs", newest: "@cosmjs-newest" }[version];
  if (!scope) throw new Error(`expected 0.32 or newest, found ${version}`);
  const [amino, signing, stargate, rpc] = await Promise.all(
    ["amino", "proto-signing", "stargate", "tendermint-rpc"].map((name) => import(`${scope}/${name}`)),
  );
  return { amino, signing, stargate, rpc };
}

export const prefix = "cairn";
export const denom = "ucairn";
export const ucairn = (amount) => [{ denom, amount: String(amount) }];
/** A fee that every transaction here is content with. */
export const fee = (more = {}) => ({ amount: ucairn(500), gas: "500000", ...more });
