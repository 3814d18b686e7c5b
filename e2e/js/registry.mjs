// chain.json and assetlist.json of a node, checked by the chain registry's own types, which are made from its schema: a field that the schema has
// not, a missing one and a value of another kind are errors of the compiler. What patterns say on top is checked by hand.
// usage: node registry.mjs CHAIN.json ASSETLIST.json      (files or URLs)
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const [chainAt, assetsAt] = process.argv.slice(2);
if (!assetsAt) throw new Error("usage: node registry.mjs CHAIN.json ASSETLIST.json");
const read = async (at) => (at.startsWith("http") ? (await fetch(at)).json() : JSON.parse(readFileSync(at, "utf8")));
const [chain, assets] = [await read(chainAt), await read(assetsAt)];

// The types name fields in camel case, as the registry's client does when it has read the files.
const camel = (key) => (key.startsWith("$") ? key : key.replace(/[_-]([a-zA-Z0-9])/g, (_, c) => c.toUpperCase()));
const camelKeys = (value) => {
  if (Array.isArray(value)) return value.map(camelKeys);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [camel(key), camelKeys(item)]));
};

/** What the compiler says of a value as a literal of a type of the registry. */
function complaints(type, value) {
  const name = fileURLToPath(new URL("checked.ts", import.meta.url));
  const text = `import type { ${type} } from "@chain-registry/types";\nexport const it: ${type} = ${JSON.stringify(camelKeys(value), null, 1)};\n`;
  const options = { strict: true, noEmit: true, types: [], module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.getSourceFile = (file, ...rest) => (file === name ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022) : getSourceFile(file, ...rest));
  const found = ts.getPreEmitDiagnostics(ts.createProgram([name], options, host));
  return found.map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n"));
}

assert.deepEqual(complaints("Chain", chain), []);
assert.deepEqual(complaints("AssetList", assets), []);
// The check itself finds what is wrong.
assert.match(complaints("Chain", { ...chain, invented: 1 }).join(), /does not exist in type 'Chain'/);
assert.match(complaints("Chain", { ...chain, chain_type: "cosmic" }).join(), /not assignable/);
assert.match(complaints("AssetList", { ...assets, assets: [{ base: "ucairn" }] }).join(), /missing the following properties/);

const picture = new RegExp(
  `^https://raw\\.githubusercontent\\.com/cosmos/chain-registry/master/${chain.network_type === "mainnet" ? "" : "testnets/"}${chain.chain_name}/images/.+\\.svg$`,
);
assert.match(chain.chain_name, /^[a-z0-9]+$/);
assert.equal(assets.chain_name, chain.chain_name);
assert.match(chain.$schema, /^(\.\.\/)+chain\.schema\.json$/);
assert.match(assets.$schema, /^(\.\.\/)+assetlist\.schema\.json$/);
assert.match(chain.chain_id, /^[a-zA-Z0-9_.-]+-[1-9]\d*$/);
assert.match(chain.codebase.consensus.version, /^v?\d+(\.\d+){0,2}$/);
for (const { svg } of [chain.logo_URIs, ...chain.images, ...assets.assets.flatMap((a) => [a.logo_URIs, ...a.images])]) assert.match(svg, picture);
const denoms = assets.assets.map((a) => a.base);
for (const { denom, low_gas_price: low, average_gas_price: average, high_gas_price: high } of chain.fees.fee_tokens) {
  assert(denoms.includes(denom) && low <= average && average <= high);
}
assert((chain.staking?.staking_tokens ?? []).every(({ denom }) => denoms.includes(denom)));
for (const asset of assets.assets) {
  const units = asset.denom_units.map((u) => u.denom);
  assert(asset.name.length <= 30 && units.includes(asset.base) && units.includes(asset.display));
  assert(asset.denom_units.every((u) => u.aliases === undefined || u.aliases.length > 0));
}
console.log("the chain registry: all is as it should be");
