// What wallets, exchanges and dApps do through an unmodified CosmJS, on a running network. Ends with an error at the first thing that is not as
// they expect.
// usage: node wallet.mjs 0.32|newest RPC ACCOUNTS.json URL[,URL..]      the messages that the chain serves
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { TxMsgData } from "cosmjs-types/cosmos/base/abci/v1beta1/abci.js";
import { BasicAllowance } from "cosmjs-types/cosmos/feegrant/v1beta1/feegrant.js";
import { SignMode } from "cosmjs-types/cosmos/tx/signing/v1beta1/signing.js";
import { TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx.js";
import { aminoName, toAmino, typeOf } from "./contract.mjs";
import { cosmjs, denom, fee, prefix, ucairn } from "./cosmjs.mjs";

const [version, rpcUrl, accountsFile, urls] = process.argv.slice(2);
if (!urls) throw new Error("usage: node wallet.mjs 0.32|newest RPC ACCOUNTS.json URL[,URL..]");
const served = urls.split(",");
const { amino, signing, stargate, rpc } = cosmjs(version);
const accounts = JSON.parse(readFileSync(accountsFile, "utf8"));
const words = (name) => accounts.find((account) => account.name === name).mnemonic;

const REGISTER = "/cairn.asset.v1.MsgRegisterAsset";
const SEND = "/cosmos.bank.v1beta1.MsgSend";
const registry = new signing.Registry([...stargate.defaultRegistryTypes, [REGISTER, typeOf(REGISTER)]]);
const ours = { aminoType: aminoName(REGISTER), toAmino: (v) => toAmino(REGISTER, v), fromAmino: (v) => typeOf(REGISTER).fromObject(v) };
const aminoTypes = new stargate.AminoTypes({ ...stargate.createDefaultAminoConverters(), [REGISTER]: ours });
const options = { registry, aminoTypes, gasPrice: stargate.GasPrice.fromString(`0.001${denom}`), broadcastPollIntervalMs: 100 };

// A Ledger or a wallet's own screen is a signer without `signDirect`.
const directWallet = await signing.DirectSecp256k1HdWallet.fromMnemonic(words("buyer"), { prefix });
const aminoWallet = await amino.Secp256k1HdWallet.fromMnemonic(words("buyer"), { prefix });
const [{ address: buyer, pubkey: buyerKey }] = await aminoWallet.getAccounts();
const requesterWallet = await amino.Secp256k1HdWallet.fromMnemonic(words("requester"), { prefix });
const [{ address: requester, pubkey: requesterKey }] = await requesterWallet.getAccounts();
const newcomer = async () => {
  const wallet = await amino.Secp256k1HdWallet.generate(12, { prefix });
  const [account] = await wallet.getAccounts();
  return { wallet, ...account };
};

const reader = await stargate.StargateClient.connect(rpcUrl);
const direct = await stargate.SigningStargateClient.connectWithSigner(rpcUrl, directWallet, options);
const ledger = await stargate.SigningStargateClient.connectWithSigner(rpcUrl, aminoWallet, options);
const comet = await rpc.connectComet(rpcUrl);
const chainId = await reader.getChainId();

const balance = async (address) => BigInt((await reader.getBalance(address, denom)).amount);
const send = (from, to, amount) => ({ typeUrl: SEND, value: { fromAddress: from, toAddress: to, amount: ucairn(amount) } });
const attributes = (result, type) => result.events.filter((e) => e.type === type).flatMap((e) => e.attributes);

async function refused(promise, code, text, codespace = "sdk") {
  const error = await promise.then(() => assert.fail(`not refused: ${text}`), (e) => e);
  assert.equal(error.code, code, error.message);
  assert.equal(error.codespace, codespace);
  assert.match(error.log, text);
}

async function reads() {
  assert.equal(comet.constructor.name, "Comet38Client");
  assert.match(chainId, /^cairn-local-\d+$/);
  assert(await reader.getHeight() > 0);
  const stranger = (await newcomer()).address;
  assert.equal(await reader.getAccount(stranger), null);
  assert.deepEqual(await reader.getBalance(stranger, denom), { denom, amount: "0" });
  assert.deepEqual(await reader.getAllBalances(stranger), []);
  await assert.rejects(reader.getSequence(stranger), /does not exist on chain/);
  const account = await reader.getAccount(requester);
  assert.equal(account.address, requester);
  assert(Number(account.accountNumber) > 0);
  assert((await reader.getAllBalances(requester)).some((coin) => coin.denom === denom));
  await assert.rejects(reader.getAccount("cairn1bad"), /bech32/);
}

// The same transfer by a hot wallet and by one that only signs amino JSON.
async function sends(client, mode) {
  const before = [await balance(requester), await balance(buyer)];
  const estimate = await client.simulate(buyer, [send(buyer, requester, 1234)], "m");
  const sent = await client.sendTokens(buyer, requester, ucairn(1234), "auto", `memo <&> "é" ${mode}`);
  stargate.assertIsDeliverTxSuccess(sent);
  assert(estimate > 0 && Number(sent.gasUsed) <= estimate * 1.1, `${mode}: estimated ${estimate}, used ${sent.gasUsed}`);
  const paid = attributes(sent, "tx").find((a) => a.key === "fee").value;
  const after = [await balance(requester), await balance(buyer)];
  assert.deepEqual([after[0] - before[0], before[1] - after[1]], [1234n, 1234n + BigInt(paid.replace(denom, ""))]);
  assert.equal(sent.rawLog ?? "", "");
  assert.equal(sent.msgResponses[0].typeUrl, `${SEND}Response`);
  const found = await reader.getTx(sent.transactionHash);
  assert.deepEqual([found.height, found.code, found.txIndex], [sent.height, 0, sent.txIndex]);
  return sent;
}

// Every key that wallets and explorers search by.
async function searches(sent) {
  const sequence = attributes(sent, "tx").find((a) => a.key === "acc_seq").value;
  const keys = {
    "message.sender": buyer,
    "message.action": SEND,
    "message.module": "bank",
    "transfer.sender": buyer,
    "transfer.recipient": requester,
    "coin_spent.spender": buyer,
    "coin_received.receiver": requester,
    "tx.fee_payer": buyer,
    "tx.acc_seq": sequence,
    "message.msg_index": "0",
  };
  for (const [key, value] of Object.entries(keys)) {
    const found = await reader.searchTx([{ key, value }]);
    assert(found.some((tx) => tx.hash === sent.transactionHash), `${key}=${value}`);
  }
  const block = await reader.searchTx(`tx.height=${sent.height} AND message.sender='${buyer}'`);
  assert(block.some((tx) => tx.hash === sent.transactionHash));
  assert.deepEqual(await reader.searchTx([{ key: "transfer.recipient", value: (await newcomer()).address }]), []);
  assert.equal(await reader.getTx("00".repeat(32)), null);
  const raw = await comet.tx({ hash: Buffer.from(sent.transactionHash, "hex") });
  const { data, msgResponses } = TxMsgData.decode(raw.result.data);
  assert.deepEqual([data.length, msgResponses.map((r) => r.typeUrl)], [0, [`${SEND}Response`]]);
}

async function blocks(sent) {
  const block = await reader.getBlock(sent.height);
  assert.deepEqual([block.header.chainId, block.header.height], [chainId, sent.height]);
  assert(block.txs.length > sent.txIndex);
  const { validators } = await comet.validatorsAll(sent.height);
  assert(validators.length >= 1 && validators.every((v) => v.votingPower > 0n && v.pubkey.algorithm === "ed25519"));
  const results = await comet.blockResults(sent.height);
  assert.equal(results.results[sent.txIndex].code, 0);
  const { nodeInfo } = await comet.status();
  assert.deepEqual([nodeInfo.network, nodeInfo.version.slice(0, 5)], [chainId, "0.38."]);
  const socket = await rpc.connectComet(rpcUrl.replace("http", "ws"));
  const next = await new Promise((resolve, reject) => {
    const subscription = socket.subscribeNewBlock().subscribe({ next: (e) => (subscription.unsubscribe(), resolve(e)), error: reject });
  });
  assert.equal(next.header.chainId, chainId);
  socket.disconnect();
}

// Coins that are not free yet: CosmJS reads such accounts as any other, and the chain lets nobody send them.
async function vests() {
  const toAddress = (await newcomer()).address;
  const endTime = BigInt(Math.floor(Date.now() / 1000) + 100_000);
  const value = { fromAddress: buyer, toAddress, amount: ucairn(1000), endTime, delayed: true };
  const opened = await ledger.signAndBroadcast(buyer, [{ typeUrl: "/cosmos.vesting.v1beta1.MsgCreateVestingAccount", value }], "auto");
  stargate.assertIsDeliverTxSuccess(opened);
  const account = await reader.getAccount(toAddress);
  assert.deepEqual([account.address, account.sequence, account.pubkey], [toAddress, 0, null]);
  assert(Number(account.accountNumber) > 0);
  assert.equal(await balance(toAddress), 1000n);
}

// What a delegation earns, by CosmJS's own methods.
async function earns() {
  const query = stargate.QueryClient.withExtensions(comet, stargate.setupDistributionExtension, stargate.setupMintExtension);
  const { rewards } = await query.distribution.delegationTotalRewards(buyer);
  const validator = rewards[0].validatorAddress;
  const withdrawn = await ledger.withdrawRewards(buyer, validator, "auto");
  stargate.assertIsDeliverTxSuccess(withdrawn);
  assert.equal(withdrawn.msgResponses[0].typeUrl, "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorRewardResponse");
  assert(attributes(withdrawn, "withdraw_rewards").some((a) => a.key === "validator" && a.value === validator));
  assert((await query.distribution.params()).params.communityTax.length > 0);
  assert.equal((await query.mint.params()).mintDenom, denom);
  assert((await query.mint.inflation()).toString().length > 0);
}

// The texts that relayers and wallets parse, and their codes.
async function refusals() {
  const signer = { ...(await reader.getSequence(buyer)), chainId };
  const attempt = async (change, how = fee(), memo = "") => {
    const tx = await direct.sign(buyer, [send(buyer, requester, 1)], how, memo, { ...signer, ...change });
    return reader.broadcastTxSync(TxRaw.encode(tx).finish());
  };
  const { sequence, accountNumber } = signer;
  const mismatch = new RegExp(`^account sequence mismatch, expected ${sequence}, got ${sequence + 5}: incorrect account sequence$`);
  await refused(attempt({ sequence: sequence + 5 }), 32, mismatch);
  const unverified = new RegExp(
    `^signature verification failed; please verify account number \\(${accountNumber}\\), sequence \\(${sequence}\\) and chain-id \\(${chainId}\\): unauthorized$`,
  );
  await refused(attempt({ chainId: "another-1" }), 4, unverified);
  const poor = new RegExp(`^insufficient fees; got: 1${denom} required: 500${denom}: insufficient fee$`);
  await refused(attempt({}, fee({ amount: ucairn(1) })), 13, poor);
  const starved = /^out of gas in location: \w.*; gasWanted: 2000, gasUsed: \d+: out of gas$/;
  await refused(attempt({}, fee({ gas: "2000" })), 11, starved);
  await refused(attempt({}, fee(), "x".repeat(257)), 12, /^maximum number of characters is 256 but received 257 characters: memo too large$/);
  await refused(attempt({}, fee({ amount: [{ denom: "uatom", amount: "5" }] })), 10, /invalid coins$/);
  const unknown = await newcomer();
  const client = await stargate.SigningStargateClient.connectWithSigner(rpcUrl, unknown.wallet, options);
  const tx = await client.sign(unknown.address, [send(unknown.address, buyer, 1)], fee(), "", { ...signer, sequence: 0 });
  await refused(reader.broadcastTxSync(TxRaw.encode(tx).finish()), 9, /does not exist: unknown address$/);
  client.disconnect();
}

// What fails in the block keeps fee and sequence, and shows the events of the ante alone.
async function failure() {
  const before = await reader.getSequence(buyer);
  const failed = await direct.signAndBroadcast(buyer, [send(buyer, requester, 1), send(buyer, requester, 10n ** 15n)], fee());
  assert.equal(failed.code, 5);
  assert.match(failed.rawLog, /^failed to execute message; message index: 1: .*: insufficient funds$/);
  const ante = ["coin_spent", "coin_received", "transfer", "message", "tx", "tx", "tx"];
  assert.deepEqual(failed.events.map((e) => e.type), ante);
  assert(failed.events.every((e) => e.attributes.every((a) => a.key !== "msg_index")));
  assert.equal((await reader.getSequence(buyer)).sequence, before.sequence + 1);
}

async function multisig() {
  const members = await Promise.all([newcomer(), newcomer(), newcomer()]);
  const key = amino.createMultisigThresholdPubkey(members.map((m) => amino.encodeSecp256k1Pubkey(m.pubkey)), 2);
  const address = amino.pubkeyToAddress(key, prefix);
  stargate.assertIsDeliverTxSuccess(await direct.sendTokens(buyer, address, ucairn(100_000), "auto"));
  const attempt = async (signing) => {
    const { accountNumber, sequence } = await reader.getSequence(address);
    const signatures = new Map();
    let body;
    for (const member of signing) {
      const client = await stargate.SigningStargateClient.offline(member.wallet, options);
      const one = await client.sign(member.address, [send(address, requester, 7)], fee(), "of two", { accountNumber, sequence, chainId });
      body = one.bodyBytes;
      signatures.set(member.address, one.signatures[0]);
    }
    const tx = stargate.makeMultisignedTx(key, sequence, fee(), body, signatures);
    return reader.broadcastTx(TxRaw.encode(tx).finish(), 20_000, 100);
  };
  await refused(attempt([members[1]]), 4, /not enough signatures set, have 1, expected 2/);
  stargate.assertIsDeliverTxSuccess(await attempt([members[0], members[2]]));
  stargate.assertIsDeliverTxSuccess(await attempt([members[1], members[2]]));
  const account = await reader.getAccount(address);
  assert.deepEqual([account.sequence, account.pubkey.type], [2, "tendermint/PubKeyMultisigThreshold"]);
  assert.equal(account.pubkey.value.threshold, "2");
}

// An account without a coin of its own acts on another's allowance.
async function feeGranter() {
  const guest = await newcomer();
  stargate.assertIsDeliverTxSuccess(await direct.sendTokens(buyer, guest.address, ucairn(10), "auto"));
  const allowance = { typeUrl: "/cosmos.feegrant.v1beta1.BasicAllowance", value: BasicAllowance.encode({ spendLimit: ucairn(800) }).finish() };
  const grant = { typeUrl: "/cosmos.feegrant.v1beta1.MsgGrantAllowance", value: { granter: buyer, grantee: guest.address, allowance } };
  stargate.assertIsDeliverTxSuccess(await direct.signAndBroadcast(buyer, [grant], "auto"));
  const before = await balance(buyer);
  const client = await stargate.SigningStargateClient.connectWithSigner(rpcUrl, guest.wallet, options);
  const transfer = () => client.signAndBroadcast(guest.address, [send(guest.address, requester, 1)], fee({ granter: buyer }));
  stargate.assertIsDeliverTxSuccess(await transfer());
  assert.equal(before - (await balance(buyer)), 500n);
  await refused(transfer(), 2, /fee limit exceeded$/, "feegrant");
  client.disconnect();
}

// Another account pays the fee: it signs too, in the same mode, after those whom the messages name.
async function feePayer() {
  const signers = [
    { wallet: aminoWallet, address: buyer, pubkey: buyerKey },
    { wallet: requesterWallet, address: requester, pubkey: requesterKey },
  ];
  const messages = [send(buyer, requester, 5)];
  const paid = fee({ payer: requester });
  const infos = [];
  const signatures = [];
  for (const { wallet, address, pubkey } of signers) {
    const { accountNumber, sequence } = await reader.getSequence(address);
    const doc = amino.makeSignDoc(messages.map((m) => aminoTypes.toAmino(m)), paid, chainId, "paid for", accountNumber, sequence);
    const { signature } = await wallet.signAmino(address, doc);
    infos.push({ pubkey: signing.encodePubkey(amino.encodeSecp256k1Pubkey(pubkey)), sequence });
    signatures.push(Buffer.from(signature.signature, "base64"));
  }
  const bodyBytes = registry.encodeTxBody({ messages, memo: "paid for" });
  const authInfoBytes = signing.makeAuthInfoBytes(infos, paid.amount, 500_000, undefined, requester, SignMode.SIGN_MODE_LEGACY_AMINO_JSON);
  const before = [await balance(buyer), await balance(requester)];
  const tx = TxRaw.encode({ bodyBytes, authInfoBytes, signatures }).finish();
  stargate.assertIsDeliverTxSuccess(await reader.broadcastTx(tx, 20_000, 100));
  const after = [await balance(buyer), await balance(requester)];
  assert.deepEqual([before[0] - after[0], before[1] - after[1]], [5n, 495n]);
}

// A message that CosmJS has never heard of, by a registry of types as ts-proto and protobufjs generate them.
async function ownMessage(client, mode) {
  const value = { owner: buyer, kind: 1, title: `by ${mode} <&>`, incomeDenoms: [] };
  const named = mode === "amino" ? { owner: buyer, kind: 1, title: value.title } : value;
  const done = await client.signAndBroadcast(buyer, [{ typeUrl: REGISTER, value: named }], "auto");
  stargate.assertIsDeliverTxSuccess(done);
  const [response] = done.msgResponses;
  assert.equal(response.typeUrl, `${REGISTER}Response`);
  const { asset_id: id, assetId = id } = typeOf(response.typeUrl).decode(response.value);
  assert(Number(assetId) > 0);
  const kinds = done.events.map((e) => e.type);
  assert(kinds.some((kind) => kind.startsWith("cairn.asset.v1.")), kinds.join());
}

// What CosmJS has methods of its own for, in either mode.
async function stakes() {
  const query = stargate.QueryClient.withExtensions(comet, stargate.setupStakingExtension, stargate.setupSlashingExtension);
  const { validators } = await query.staking.validators("BOND_STATUS_BONDED");
  const [{ operatorAddress: validator, commission, consensusPubkey }] = validators;
  assert.equal(consensusPubkey.typeUrl, "/cosmos.crypto.ed25519.PubKey");
  assert.match(commission.commissionRates.rate, /^\d+$/);
  const stranger = (await newcomer()).address;
  assert.equal(await reader.getDelegation(stranger, validator), null);
  assert.deepEqual(await reader.getBalanceStaked(stranger), null);
  const staked = async () => BigInt((await reader.getDelegation(buyer, validator))?.amount ?? 0);
  const before = await staked();
  stargate.assertIsDeliverTxSuccess(await direct.delegateTokens(buyer, validator, ucairn(5000)[0], "auto"));
  stargate.assertIsDeliverTxSuccess(await ledger.delegateTokens(buyer, validator, ucairn(500)[0], "auto"));
  stargate.assertIsDeliverTxSuccess(await ledger.undelegateTokens(buyer, validator, ucairn(100)[0], "auto"));
  assert.equal((await staked()) - before, 5400n);
  assert.equal(BigInt((await reader.getBalanceStaked(buyer)).amount), before + 5400n);
  const { unbondingResponses } = await query.staking.delegatorUnbondingDelegations(buyer);
  assert(unbondingResponses.length > 0);
  assert((await query.staking.params()).params.bondDenom === denom && (await query.slashing.signingInfos()).info.length > 0);
}

await reads();
const sent = await sends(direct, "direct");
await sends(ledger, "amino");
await searches(sent);
await blocks(sent);
await refusals();
await failure();
await multisig();
await feeGranter();
await feePayer();
await stakes();
if (served.includes("/cosmos.vesting.v1beta1.MsgCreateVestingAccount")) await vests();
if (served.includes("/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward")) await earns();
await ownMessage(direct, "direct");
await ownMessage(ledger, "amino");
console.log(`CosmJS ${version}: all is as it should be`);
// Its sockets would keep the process for a while.
process.exit(0);
