// What the Keplr extension does with a chain, by its own packages: takes the ChainInfo that a node serves, checks it as it would before the chain
// is added, reads accounts, estimates, signs in amino JSON, sends by REST and follows the transaction by websocket.
// usage: node keplr.mjs REST ACCOUNTS.json
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Secp256k1HdWallet, encodeSecp256k1Pubkey, makeSignDoc } from "@cosmjs/amino";
import { Registry, encodePubkey, makeAuthInfoBytes } from "@cosmjs/proto-signing";
import { AminoTypes, createDefaultAminoConverters, defaultRegistryTypes } from "@cosmjs/stargate";
import { SignMode } from "cosmjs-types/cosmos/tx/signing/v1beta1/signing.js";
import { AuthInfo, TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import WebSocket from "ws";
import { prefix, ucairn } from "./cosmjs.mjs";

// Keplr's packages are CommonJS.
const require = createRequire(import.meta.url);
const validator = require("@keplr-wallet/chain-validator");
const { BaseAccount, ChainIdHelper, TendermintTxTracer, makeADR36AminoSignDoc, verifyADR36Amino } = require("@keplr-wallet/cosmos");

const [rest, accountsFile] = process.argv.slice(2);
if (!accountsFile) throw new Error("usage: node keplr.mjs REST ACCOUNTS.json");
const accounts = JSON.parse(readFileSync(accountsFile, "utf8"));
const wallet = await Secp256k1HdWallet.fromMnemonic(accounts.find((a) => a.name === "buyer").mnemonic, { prefix });
const [{ address, pubkey }] = await wallet.getAccounts();
const recipient = accounts.find((a) => a.name === "requester").address;
const AMINO = SignMode.SIGN_MODE_LEGACY_AMINO_JSON;

// A browser reads an answer only where the node allows its origin.
async function fetched(url, kind, options = {}) {
  const response = await fetch(url, { ...options, headers: { origin: "https://wallet.keplr.app", "content-type": "application/json" } });
  assert.equal(response.headers.get("access-control-allow-origin"), "*", url);
  assert.match(response.headers.get("content-type"), kind, url);
  return response;
}
const asked = async (path) => (await fetched(`${rest}${path}`, /^application\/json/)).json();
const posted = async (path, body) => {
  const response = await fetched(`${rest}${path}`, /^application\/json/, { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
};

// Before a chain is added.
async function suggests() {
  const info = await asked("/cairn/chain-info/keplr.json");
  assert.deepEqual(await validator.validateBasicChainInfoType(info, false), info);
  await validator.checkRPCConnectivity(info.chainId, info.rpc, (url) => new WebSocket(url));
  await validator.checkRestConnectivity(info.chainId, info.rest);
  const log = console.log;
  console.log = () => {}; // It tells of each feature that the chain has not.
  assert.deepEqual(await validator.checkChainFeatures(info), []);
  console.log = log;
  assert.equal(ChainIdHelper.parse(info.chainId).version, 1);
  const logo = await fetched(info.chainSymbolImageUrl, /^image\/svg\+xml/);
  assert.match(await logo.text(), /^<svg /);
  return info;
}

async function reads() {
  const account = await BaseAccount.fetchFromRest(rest, address, true);
  assert.deepEqual([account.getType(), account.getAddress()], ["/cosmos.auth.v1beta1.BaseAccount", address]);
  const stranger = (await (await Secp256k1HdWallet.generate(12, { prefix })).getAccounts())[0].address;
  const none = await BaseAccount.fetchFromRest(rest, stranger, true);
  assert.deepEqual([none.getAddress(), none.getAccountNumber().toString(), none.getSequence().toString()], [stranger, "0", "0"]);
  for (const path of ["balances", "spendable_balances"]) {
    const { balances } = await asked(`/cosmos/bank/v1beta1/${path}/${address}?pagination.limit=1000`);
    assert(BigInt(balances.find((b) => b.denom === "ucairn").amount) > 0n);
  }
  return account;
}

const messages = [{ typeUrl: "/cosmos.bank.v1beta1.MsgSend", value: { fromAddress: address, toAddress: recipient, amount: ucairn(11) } }];
const body = new Registry(defaultRegistryTypes).encodeTxBody({ messages, memo: "from Keplr <&>" });

// Keplr estimates without a key, in amino mode, with 64 zero bytes for the signature and no fee but an empty one.
async function estimates(sequence) {
  const modeInfo = { single: { mode: AMINO } };
  const auth = AuthInfo.fromPartial({ signerInfos: [{ modeInfo, sequence: BigInt(sequence) }], fee: { amount: [], gasLimit: 0n } });
  const tx = { bodyBytes: body, authInfoBytes: AuthInfo.encode(auth).finish(), signatures: [new Uint8Array(64)] };
  const { status, body: answer } = await posted("/cosmos/tx/v1beta1/simulate", { tx_bytes: encode(tx) });
  assert.equal(status, 200, JSON.stringify(answer));
  return Number(answer.gas_info.gas_used);
}

const encode = (tx) => Buffer.from(TxRaw.encode(TxRaw.fromPartial(tx)).finish()).toString("base64");

async function signs(info, account, sequence, gas) {
  const step = info.feeCurrencies[0].gasPriceStep.average;
  const fee = { amount: ucairn(Math.ceil(gas * step)), gas: String(gas) };
  const msgs = messages.map((m) => new AminoTypes(createDefaultAminoConverters()).toAmino(m));
  const doc = makeSignDoc(msgs, fee, info.chainId, "from Keplr <&>", account.getAccountNumber().toString(), sequence);
  const { signature } = await wallet.signAmino(address, doc);
  const signers = [{ pubkey: encodePubkey(encodeSecp256k1Pubkey(pubkey)), sequence }];
  const authInfoBytes = makeAuthInfoBytes(signers, fee.amount, gas, undefined, undefined, AMINO);
  return encode({ bodyBytes: body, authInfoBytes, signatures: [Buffer.from(signature.signature, "base64")] });
}

async function sends(info, account) {
  const sequence = Number(account.getSequence().toString());
  const gas = Math.floor((await estimates(sequence)) * 1.3);
  const tx = await signs(info, account, sequence, gas);
  const early = await signs(info, account, sequence + 3, gas);
  const refused = await posted("/cosmos/tx/v1beta1/txs", { tx_bytes: early, mode: "BROADCAST_MODE_SYNC" });
  assert.deepEqual([refused.status, refused.body.tx_response.code], [200, 32]);
  assert.match(refused.body.tx_response.raw_log, /^account sequence mismatch, expected \d+, got \d+: incorrect account sequence$/);
  const hash = createHash("sha256").update(Buffer.from(tx, "base64")).digest();
  const tracer = new TendermintTxTracer(info.rpc, "/websocket", { wsObject: WebSocket });
  const traced = tracer.traceTx(Uint8Array.from(hash));
  const sent = await posted("/cosmos/tx/v1beta1/txs", { tx_bytes: tx, mode: "BROADCAST_MODE_SYNC" });
  assert.deepEqual([sent.status, sent.body.tx_response.code], [200, 0], JSON.stringify(sent.body));
  assert.equal(sent.body.tx_response.txhash, hash.toString("hex").toUpperCase());
  const result = await traced;
  assert.equal(result.code ?? 0, 0);
  assert(result.events.some((e) => e.type === "transfer"));
  tracer.close();
}

// A log-in by a signature of a text (ADR-036).
async function signsIn() {
  const data = 'sign in to <cairn> & "friends"';
  const { signature } = await wallet.signAmino(address, makeADR36AminoSignDoc(address, data));
  const bytes = Buffer.from(signature.signature, "base64");
  assert(verifyADR36Amino(prefix, address, data, pubkey, bytes));
  assert(!verifyADR36Amino(prefix, address, `${data}.`, pubkey, bytes));
}

const info = await suggests();
await sends(info, await reads());
await signsIn();
console.log("Keplr: all is as it should be");
// Its tracer asks again every ten seconds.
process.exit(0);
