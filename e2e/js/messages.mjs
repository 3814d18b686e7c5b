// One message of each type for which CosmJS 0.32 has an amino converter of its own, in CosmJS's own types.
import { PubKey } from "cosmjs-types/cosmos/crypto/ed25519/keys.js";
import { TextProposal, VoteOption } from "cosmjs-types/cosmos/gov/v1beta1/gov.js";

const coin = (amount) => ({ denom: "ucairn", amount: String(amount) });
const title = 'Title <&> "t"';

/** They are signed by `address`; `operator` is the same account as a validator. */
export function cosmos(address, operator) {
  const description = { moniker: "m <&>", identity: "i", website: "w", securityContact: "s", details: "d" };
  const ed25519 = { typeUrl: "/cosmos.crypto.ed25519.PubKey", value: PubKey.encode({ key: new Uint8Array(32).fill(9) }).finish() };
  const text = { typeUrl: "/cosmos.gov.v1beta1.TextProposal", value: TextProposal.encode({ title, description: "words" }).finish() };
  const staked = { delegatorAddress: address, validatorAddress: operator, amount: coin(9) };
  const options = [
    { option: VoteOption.VOTE_OPTION_YES, weight: "700000000000000000" },
    { option: VoteOption.VOTE_OPTION_ABSTAIN, weight: "300000000000000000" },
  ];
  return Object.entries({
    "/cosmos.bank.v1beta1.MsgSend": { fromAddress: address, toAddress: address, amount: [coin(7)] },
    "/cosmos.bank.v1beta1.MsgMultiSend": { inputs: [{ address, coins: [coin(7)] }], outputs: [{ address, coins: [coin(7)] }] },
    "/cosmos.distribution.v1beta1.MsgFundCommunityPool": { amount: [coin(7)], depositor: address },
    "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress": { delegatorAddress: address, withdrawAddress: address },
    "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward": { delegatorAddress: address, validatorAddress: operator },
    "/cosmos.gov.v1beta1.MsgDeposit": { amount: [coin(7)], depositor: address, proposalId: 5n },
    "/cosmos.gov.v1beta1.MsgVote": { option: VoteOption.VOTE_OPTION_NO_WITH_VETO, proposalId: 5n, voter: address },
    "/cosmos.gov.v1beta1.MsgVoteWeighted": { options, proposalId: 5n, voter: address },
    "/cosmos.gov.v1beta1.MsgSubmitProposal": { content: text, initialDeposit: [coin(7)], proposer: address },
    "/cosmos.staking.v1beta1.MsgDelegate": staked,
    "/cosmos.staking.v1beta1.MsgUndelegate": staked,
    "/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation": { ...staked, creationHeight: 12n },
    "/cosmos.staking.v1beta1.MsgBeginRedelegate": {
      delegatorAddress: address,
      validatorSrcAddress: operator,
      validatorDstAddress: operator,
      amount: coin(9),
    },
    "/cosmos.staking.v1beta1.MsgEditValidator": {
      description,
      commissionRate: "125000000000000000",
      minSelfDelegation: "3",
      validatorAddress: operator,
    },
    "/cosmos.staking.v1beta1.MsgCreateValidator": {
      description,
      commission: { rate: "100000000000000000", maxRate: "200000000000000000", maxChangeRate: "10000000000000000" },
      minSelfDelegation: "1",
      delegatorAddress: address,
      validatorAddress: operator,
      pubkey: ed25519,
      value: coin(9),
    },
    "/cosmos.vesting.v1beta1.MsgCreateVestingAccount": {
      fromAddress: address,
      toAddress: address,
      amount: [coin(7)],
      endTime: 1_900_000_000n,
      delayed: true,
    },
    "/ibc.applications.transfer.v1.MsgTransfer": {
      sourcePort: "transfer",
      sourceChannel: "channel-0",
      token: coin(7),
      sender: address,
      receiver: "osmo1x",
      timeoutHeight: { revisionNumber: 1n, revisionHeight: 99n },
      timeoutTimestamp: 1_900_000_000_000_000_000n,
      memo: "<&>",
    },
  }).map(([typeUrl, value]) => ({ typeUrl, value }));
}
