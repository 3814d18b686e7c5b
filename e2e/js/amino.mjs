// Every message signed in amino JSON by an unmodified CosmJS: Cosmos's with its own converters where it has them, all others by the rules
// of contract.mjs.
// usage: node amino.mjs golden > ../../app/src/amino/golden.json        what app/src/amino/tests.rs checks
//        node amino.mjs live RPC MNEMONIC URL[,URL..]                          the same on a running network, for these messages
import { createMultisigThresholdPubkey, pubkeyToAddress, Secp256k1HdWallet, Secp256k1Wallet } from "@cosmjs/amino";
import { fromBech32, toBase64, toBech32 } from "@cosmjs/encoding";
import { Registry } from "@cosmjs/proto-signing";
import { AminoTypes, createDefaultAminoConverters, defaultRegistryTypes, makeMultisignedTxBytes, SigningStargateClient, StargateClient } from "@cosmjs/stargate";
import { TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import { aminoName, requests, sample, toAmino, typeOf } from "./contract.mjs";
import { cosmos } from "./messages.mjs";

const known = createDefaultAminoConverters();
// CosmJS 0.32 calls it cosmos-sdk/MsgWithdrawValidatorCommission, the Cosmos SDK, Keplr and Ledger's app cosmos-sdk/MsgWithdrawValCommission.
delete known["/cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission"];
const registry = new Registry(defaultRegistryTypes);
const converters = { ...known };
const byWallets = (address, operator) => new Map(cosmos(address, operator).map((m) => [m.typeUrl, m]));
for (const url of requests) {
  if (!(url in known)) {
    registry.register(url, typeOf(url));
    converters[url] = { aminoType: aminoName(url), toAmino: (value) => toAmino(url, value), fromAmino: () => lastOf.get(url) };
  }
}
// CosmJS encodes what the wallet returns; our converters hand back what went in, which these wallets do not change.
const lastOf = new Map();
const aminoTypes = new AminoTypes(converters);

// What the proposer alone may include.
const unsigned = "/cairn.beacon.v1.MsgRevealBeacon";
const fee = { amount: [{ denom: "ucairn", amount: "5000" }], gas: "5000000" };

async function sign(client, wallet, messages, signer, extra = {}) {
  const [{ address }] = await wallet.getAccounts();
  for (const { typeUrl, value } of messages) if (!(typeUrl in known)) lastOf.set(typeUrl, typeOf(typeUrl).fromObject(value));
  return client.sign(address, messages, { ...fee, ...extra }, 'memo <&> "m"', signer);
}

function variants(url, address, operator) {
  const own = byWallets(address, operator).get(url);
  if (url in known) return own ? [own] : [];
  return [true, false].map((full) => ({ typeUrl: url, value: sample(url, address, operator, full) }));
}

const raw = (tx) => TxRaw.encode(tx).finish();

const operatorOf = (address) => toBech32("cairnvaloper", fromBech32(address).data);

async function golden() {
  const wallet = await Secp256k1Wallet.fromKey(new Uint8Array(32).fill(1), "cairn");
  const [{ address }] = await wallet.getAccounts();
  const client = await SigningStargateClient.offline(wallet, { registry, aminoTypes });
  const signer = { accountNumber: 1, sequence: 0, chainId: "cairn-it-1" };
  const singles = [];
  for (const url of requests.filter((u) => u !== unsigned)) {
    for (const one of variants(url, address, operatorOf(address))) {
      singles.push({ url, tx: toBase64(raw(await sign(client, wallet, [one], signer))) });
    }
  }
  console.log(JSON.stringify({ singles, multisig: await multisig() }).replaceAll('{"url"', '\n{"url"'));
}

// A 2-of-3 account of the wallets 1, 2 and 3; its members 1 and 3 sign a transfer.
async function multisig() {
  const wallets = await Promise.all([1, 2, 3].map((n) => Secp256k1Wallet.fromKey(new Uint8Array(32).fill(n), "cairn")));
  const members = await Promise.all(wallets.map(async (w) => (await w.getAccounts())[0]));
  const keys = members.map((m) => ({ type: "tendermint/PubKeySecp256k1", value: toBase64(m.pubkey) }));
  const key = createMultisigThresholdPubkey(keys, 2, true);
  const address = pubkeyToAddress(key, "cairn");
  const signer = { accountNumber: 50, sequence: 0, chainId: "cairn-it-1" };
  const [send] = variants("/cosmos.bank.v1beta1.MsgSend", address, operatorOf(address));
  const signatures = new Map();
  let bodyBytes;
  for (const at of [0, 2]) {
    const client = await SigningStargateClient.offline(wallets[at], { registry, aminoTypes });
    const signed = await client.sign(members[at].address, [send], fee, "multi", signer);
    bodyBytes = signed.bodyBytes;
    signatures.set(members[at].address, signed.signatures[0]);
  }
  return { address, tx: toBase64(makeMultisignedTxBytes(key, 0, fee, bodyBytes, signatures)) };
}

async function live(rpc, mnemonic, urls) {
  const wallet = await Secp256k1HdWallet.fromMnemonic(mnemonic, { prefix: "cairn" });
  const [{ address }] = await wallet.getAccounts();
  const reader = await StargateClient.connect(rpc);
  const chainId = await reader.getChainId();
  const { accountNumber } = await reader.getSequence(address);
  const client = await SigningStargateClient.connectWithSigner(rpc, wallet, { registry, aminoTypes });
  const results = {};
  let { sequence } = await reader.getSequence(address);
  for (const url of urls) {
    for (const one of variants(url, address, operatorOf(address))) {
      const tx = await sign(client, wallet, [one], { accountNumber, sequence, chainId });
      const changed = await refusals(client, tx);
      const outcome = await broadcast(client, raw(tx));
      if (outcome === 0) sequence += 1;
      (results[url] ??= []).push({ outcome, changed });
    }
  }
  console.log(JSON.stringify({ results }));
  client.disconnect();
  reader.disconnect();
}

async function broadcast(client, bytes) {
  try {
    await client.broadcastTxSync(bytes);
    return 0;
  } catch (error) {
    if (error.code === undefined) throw error;
    return error.code;
  }
}

// The codes of the transaction with one byte of its body changed, at three places.
async function refusals(client, tx) {
  const codes = [];
  for (const part of [0.3, 0.6, 0.9]) {
    const bodyBytes = Uint8Array.from(tx.bodyBytes);
    bodyBytes[Math.floor(bodyBytes.length * part)] ^= 1;
    codes.push(await broadcast(client, raw({ ...tx, bodyBytes })));
  }
  return codes;
}

const [command, ...args] = process.argv.slice(2);
if (command === "golden") await golden();
else if (command === "live") await live(args[0], args[1], args[2].split(","));
else throw new Error("usage: node amino.mjs golden | live RPC MNEMONIC URL[,URL..]");
