// The modules of Cosmos through an unmodified CosmJS, on a running network of two validators or more: its query extensions and its own client for
// governance (v1beta1 and v1, with a plan for an upgrade in it), authz, staking, distribution and feegrant; every transaction once as a hot wallet
// signs it and once as a Ledger does. Ends with an error at the first thing that is not as they expect.
// usage: node modules.mjs 0.32|newest RPC ACCOUNTS.json NAME GRANTEE      the accounts that act; a proposal takes 3 CAIRN
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { toBech32 } from "@cosmjs/encoding";
import { aminoName, toAmino, typeOf } from "./contract.mjs";
import { cosmjs, denom, fee, prefix, ucairn } from "./cosmjs.mjs";

const [version, rpcUrl, accountsFile, name, other] = process.argv.slice(2);
if (!other) throw new Error("usage: node modules.mjs 0.32|newest RPC ACCOUNTS.json NAME GRANTEE");
const { amino, signing, stargate, rpc, types } = cosmjs(version);
const accounts = JSON.parse(readFileSync(accountsFile, "utf8"));
const words = (of) => accounts.find((account) => account.name === of).mnemonic;

const { GenericAuthorization } = types("cosmos/authz/v1beta1/authz");
const { BasicAllowance } = types("cosmos/feegrant/v1beta1/feegrant");
const { TextProposal, VoteOption, ProposalStatus } = types("cosmos/gov/v1beta1/gov");
const { MsgSubmitProposalResponse } = types("cosmos/gov/v1beta1/tx");
const { QueryClientImpl: GovV1 } = types("cosmos/gov/v1/query");
const govV1 = types("cosmos/gov/v1/tx");
const { MsgSend } = types("cosmos/bank/v1beta1/tx");
const { MsgExecResponse } = types("cosmos/authz/v1beta1/tx");
const { MsgSoftwareUpgrade } = types("cosmos/upgrade/v1beta1/tx");
const { QueryClientImpl: Upgrade } = types("cosmos/upgrade/v1beta1/query");

const known = stargate.createDefaultAminoConverters();
const added = ["MsgSubmitProposal", "MsgDeposit", "MsgVote", "MsgVoteWeighted", "MsgCancelProposal"].filter((type) => govV1[type]);
const registry = new signing.Registry([...stargate.defaultRegistryTypes, ...added.map((type) => [`/cosmos.gov.v1.${type}`, govV1[type]])]);

// CosmJS has no amino converters of gov v1, authz and feegrant; those of dApps follow the options in the .proto files, as these do.
const given = new Map();
const converter = (typeUrl) => ({
  aminoType: aminoName(typeUrl),
  toAmino: (value) => {
    given.set(typeUrl, value);
    const type = typeOf(typeUrl);
    return toAmino(typeUrl, type.toObject(type.decode(registry.encode({ typeUrl, value })), { longs: String, defaults: false }));
  },
  fromAmino: () => given.get(typeUrl),
});
const missing = [...registry.types.keys()].filter((url) => /^\/cosmos\.(gov\.v1|authz\.v1beta1|feegrant\.v1beta1)\./.test(url));
const aminoTypes = new stargate.AminoTypes({ ...known, ...Object.fromEntries(missing.map((url) => [url, converter(url)])) });
const options = { registry, aminoTypes, gasPrice: stargate.GasPrice.fromString(`0.001${denom}`), broadcastPollIntervalMs: 100 };

const comet = await rpc.connectComet(rpcUrl);
const query = stargate.QueryClient.withExtensions(
  comet,
  ...["Auth", "Authz", "Bank", "Distribution", "Feegrant", "Gov", "Mint", "Slashing", "Staking", "Tx"].map((module) => stargate[`setup${module}Extension`]),
);
const raw = stargate.createProtobufRpcClient(query);

const signers = async (of) => {
  const direct = await signing.DirectSecp256k1HdWallet.fromMnemonic(words(of), { prefix });
  const ledger = await amino.Secp256k1HdWallet.fromMnemonic(words(of), { prefix });
  const [{ address }] = await ledger.getAccounts();
  const client = (wallet) => stargate.SigningStargateClient.connectWithSigner(rpcUrl, wallet, options);
  return { address, direct: await client(direct), amino: await client(ledger) };
};
const actor = await signers(name);
const grantee = await signers(other);

/** The account of governance, in whose name proposals act. */
const authority = toBech32(prefix, createHash("sha256").update("gov").digest().subarray(0, 20));

/** Broadcasts and gives what the block said. */
async function done(who, mode, messages) {
  const result = await who[mode].signAndBroadcast(who.address, messages, "auto");
  stargate.assertIsDeliverTxSuccess(result);
  return result;
}
const attribute = (result, type, key) =>
  result.events.filter((e) => e.type === type).flatMap((e) => e.attributes).find((a) => a.key === key)?.value;
const far = { seconds: BigInt(Math.floor(Date.now() / 1000) + 100_000), nanos: 0 };

async function governs(mode) {
  const proposer = actor.address;
  const title = `by ${mode} <&>`;
  const content = { typeUrl: "/cosmos.gov.v1beta1.TextProposal", value: TextProposal.encode({ title, description: "words" }).finish() };
  assert.match((await query.auth.account(authority)).typeUrl, /ModuleAccount$/);
  const plan = { name: `next-${mode}`, height: 1_000_000n, info: "the next program", time: { seconds: -62135596800n, nanos: 0 } };
  const upgrade = { typeUrl: "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", value: MsgSoftwareUpgrade.encode({ authority, plan }).finish() };
  const v1 = { messages: [upgrade], initialDeposit: ucairn(1_000_000), proposer, metadata: "", title, summary: "a plan", expedited: false };
  const submitted = await done(actor, mode, [
    { typeUrl: "/cosmos.gov.v1beta1.MsgSubmitProposal", value: { content, initialDeposit: ucairn(1_000_000), proposer } },
    { typeUrl: "/cosmos.gov.v1.MsgSubmitProposal", value: v1 },
  ]);
  const [text, planned] = submitted.msgResponses.map((response) => MsgSubmitProposalResponse.decode(response.value).proposalId);
  assert.equal(attribute(submitted, "submit_proposal", "proposal_id"), String(text));
  let { proposal } = await query.gov.proposal(text);
  assert.deepEqual([proposal.proposalId, proposal.status], [text, ProposalStatus.PROPOSAL_STATUS_DEPOSIT_PERIOD]);
  assert.equal(TextProposal.decode(proposal.content.value).title, title);

  const halves = [VoteOption.VOTE_OPTION_YES, VoteOption.VOTE_OPTION_ABSTAIN].map((option) => ({ option, weight: "500000000000000000" }));
  await done(actor, mode, [
    { typeUrl: "/cosmos.gov.v1beta1.MsgDeposit", value: { proposalId: text, depositor: proposer, amount: ucairn(2_000_000) } },
    { typeUrl: "/cosmos.gov.v1beta1.MsgVote", value: { proposalId: text, voter: proposer, option: VoteOption.VOTE_OPTION_NO } },
    { typeUrl: "/cosmos.gov.v1beta1.MsgVoteWeighted", value: { proposalId: text, voter: proposer, options: halves } },
    { typeUrl: "/cosmos.gov.v1.MsgDeposit", value: { proposalId: planned, depositor: proposer, amount: ucairn(2_000_000) } },
    { typeUrl: "/cosmos.gov.v1.MsgVote", value: { proposalId: planned, voter: proposer, option: VoteOption.VOTE_OPTION_ABSTAIN, metadata: "" } },
  ]);
  ({ proposal } = await query.gov.proposal(text));
  assert.equal(proposal.status, ProposalStatus.PROPOSAL_STATUS_VOTING_PERIOD);
  assert((await query.gov.proposals(ProposalStatus.PROPOSAL_STATUS_VOTING_PERIOD, "", proposer)).proposals.some((p) => p.proposalId === text));
  const { vote } = await query.gov.vote(text, proposer);
  assert.deepEqual(vote.options, halves);
  assert((await query.gov.votes(text)).votes.some((v) => v.voter === proposer));
  const { deposit } = await query.gov.deposit(text, proposer);
  assert.deepEqual(deposit.amount, ucairn(3_000_000));
  assert.equal((await query.gov.deposits(text)).deposits.length, 1);
  const { tally } = await query.gov.tally(text);
  assert(BigInt(tally.yes) > 0n && tally.yes === tally.abstain, JSON.stringify(tally));
  for (const kind of ["deposit", "tallying", "voting"]) assert((await query.gov.params(kind))[`${kind === "tallying" ? "tally" : kind}Params`]);
  const found = await new GovV1(raw).Proposal({ proposalId: planned });
  const shown = MsgSoftwareUpgrade.decode(found.proposal.messages[0].value);
  assert.deepEqual([found.proposal.title, shown.plan.name, shown.plan.height], [title, plan.name, plan.height]);
}

async function authorizes(mode) {
  const [granter, to] = [actor.address, grantee.address];
  const url = "/cosmos.bank.v1beta1.MsgSend";
  const authorization = { typeUrl: "/cosmos.authz.v1beta1.GenericAuthorization", value: GenericAuthorization.encode({ msg: url }).finish() };
  await done(actor, mode, [{ typeUrl: "/cosmos.authz.v1beta1.MsgGrant", value: { granter, grantee: to, grant: { authorization, expiration: far } } }]);
  const { grants } = await query.authz.grants(granter, to, url);
  assert.deepEqual([grants.length, grants[0].authorization.typeUrl, grants[0].expiration.seconds], [1, authorization.typeUrl, far.seconds]);
  assert((await query.authz.granterGrants(granter)).grants.some((g) => g.grantee === to));
  assert((await query.authz.granteeGrants(to)).grants.some((g) => g.granter === granter));
  const send = { typeUrl: url, value: MsgSend.encode({ fromAddress: granter, toAddress: to, amount: ucairn(17) }).finish() };
  const exec = { typeUrl: "/cosmos.authz.v1beta1.MsgExec", value: { grantee: to, msgs: [send] } };
  const used = await done(grantee, mode, [exec]);
  assert.equal(MsgExecResponse.decode(used.msgResponses[0].value).results.length, 1);
  await done(actor, mode, [{ typeUrl: "/cosmos.authz.v1beta1.MsgRevoke", value: { granter, grantee: to, msgTypeUrl: url } }]);
  const refused = await grantee[mode].signAndBroadcast(to, [exec], fee());
  assert.deepEqual([refused.code, /authorization not found/.test(refused.rawLog)], [2, true], refused.rawLog);
}

async function stakes(mode) {
  const delegatorAddress = actor.address;
  const { validators } = await query.staking.validators("BOND_STATUS_BONDED");
  const [validatorAddress, validatorDstAddress] = validators.map((v) => v.operatorAddress);
  const staking = (type, value) => ({ typeUrl: `/cosmos.staking.v1beta1.${type}`, value: { delegatorAddress, ...value } });
  const amount = (of) => ucairn(of)[0];
  const begun = await done(actor, mode, [
    staking("MsgDelegate", { validatorAddress, amount: amount(50_000) }),
    staking("MsgUndelegate", { validatorAddress, amount: amount(1_000) }),
    staking("MsgBeginRedelegate", { validatorSrcAddress: validatorAddress, validatorDstAddress, amount: amount(2_000) }),
    { typeUrl: "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward", value: { delegatorAddress, validatorAddress } },
    { typeUrl: "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress", value: { delegatorAddress, withdrawAddress: grantee.address } },
  ]);
  assert.equal(attribute(begun, "redelegate", "destination_validator"), validatorDstAddress);
  const creationHeight = BigInt(begun.height);
  await done(actor, mode, [staking("MsgCancelUnbondingDelegation", { validatorAddress, amount: amount(400), creationHeight })]);
  const { unbond } = await query.staking.unbondingDelegation(delegatorAddress, validatorAddress);
  assert(unbond.entries.some((entry) => entry.creationHeight === creationHeight && entry.balance === "600"));
  assert((await query.staking.redelegations(delegatorAddress, validatorAddress, validatorDstAddress)).redelegationResponses.length > 0);
  assert((await query.staking.validatorUnbondingDelegations(validatorAddress)).unbondingResponses.length > 0);
  assert((await query.staking.validatorDelegations(validatorAddress)).delegationResponses.length > 1);
  assert.equal((await query.staking.delegatorValidators(delegatorAddress)).validators.length, 2);
  assert.equal((await query.staking.delegatorValidator(delegatorAddress, validatorAddress)).validator.operatorAddress, validatorAddress);
  assert.equal((await query.staking.delegatorDelegations(delegatorAddress)).delegationResponses.length, 2);
  assert(BigInt((await query.staking.pool()).pool.bondedTokens) > 0n);
  assert((await query.staking.historicalInfo(begun.height)).hist.valset.length >= 2);
  const { validator } = await query.staking.validator(validatorAddress);
  assert(BigInt(validator.tokens) > 0n);
  await rewards(delegatorAddress, validatorAddress);
}

async function rewards(delegator, validator) {
  assert.equal((await query.distribution.delegatorWithdrawAddress(delegator)).withdrawAddress, grantee.address);
  assert.equal((await query.distribution.delegatorValidators(delegator)).validators.length, 2);
  assert.equal((await query.distribution.delegationTotalRewards(delegator)).rewards.length, 2);
  assert((await query.distribution.delegationRewards(delegator, validator)).rewards);
  assert((await query.distribution.communityPool()).pool.length > 0);
  assert((await query.distribution.validatorOutstandingRewards(validator)).rewards.rewards.length > 0);
  assert((await query.distribution.validatorCommission(validator)).commission);
  assert.deepEqual((await query.distribution.validatorSlashes(validator, 1, 1_000)).slashes, []);
  assert(/^\d+$/.test((await query.distribution.params()).params.communityTax));
  assert((await query.mint.annualProvisions()).toFloatApproximation() > 0 && (await query.mint.params()).blocksPerYear > 0n);
  const { info } = await query.slashing.signingInfos();
  assert.equal((await query.slashing.signingInfo(info[0].address)).valSigningInfo.address, info[0].address);
  assert((await query.slashing.params()).params.signedBlocksWindow > 0n);
}

async function allows(mode) {
  const [granter, to] = [actor.address, grantee.address];
  const allowance = {
    typeUrl: "/cosmos.feegrant.v1beta1.BasicAllowance",
    value: BasicAllowance.encode({ spendLimit: ucairn(5_000), expiration: far }).finish(),
  };
  const feegrant = (type, value) => ({ typeUrl: `/cosmos.feegrant.v1beta1.${type}`, value: { granter, grantee: to, ...value } });
  const granted = await done(actor, mode, [feegrant("MsgGrantAllowance", { allowance })]);
  const { allowance: found } = await query.feegrant.allowance(granter, to);
  assert.deepEqual(BasicAllowance.decode(found.allowance.value).spendLimit, ucairn(5_000));
  assert.equal((await query.feegrant.allowances(to)).allowances.length, 1);
  const { tx, txResponse } = await query.tx.getTx(granted.transactionHash);
  assert.deepEqual([txResponse.code, tx.body.messages[0].typeUrl], [0, "/cosmos.feegrant.v1beta1.MsgGrantAllowance"]);
  await done(actor, mode, [feegrant("MsgRevokeAllowance")]);
  await assert.rejects(query.feegrant.allowance(granter, to), /fee-grant not found/);
}

async function coins() {
  assert.equal((await query.bank.supplyOf(denom)).denom, denom);
  assert((await query.bank.totalSupply()).supply.some((coin) => coin.denom === denom));
  assert.equal((await query.bank.denomMetadata(denom)).base, denom);
  assert((await query.bank.denomsMetadata()).length > 0);
  assert.equal((await new Upgrade(raw).CurrentPlan({})).plan, undefined);
}

await coins();
for (const mode of ["direct", "amino"]) {
  await stakes(mode);
  await governs(mode);
  await authorizes(mode);
  await allows(mode);
}
console.log(`CosmJS ${version}: every module is as it should be`);
// Its sockets would keep the process for a while.
process.exit(0);
