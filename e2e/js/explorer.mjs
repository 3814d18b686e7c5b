// The REST calls of explorers, replayed against a node: Ping.pub's (profile of the Cosmos SDK 0.50) and Mintscan's, with the fields that their
// pages read. A call whose service the chain does not have must be answered 501 and is listed.
// usage: node explorer.mjs REST HASH ACCOUNT DELEGATOR VALIDATOR      a transaction of ACCOUNT, and a delegation (all given or empty)
import assert from "node:assert/strict";

const [rest, hash, account, delegator, validator] = process.argv.slice(2);
if (!account) throw new Error("usage: node explorer.mjs REST HASH ACCOUNT DELEGATOR VALIDATOR");

const amount = /^\d+$/;
const decimal = /^\d+\.\d{18}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const duration = /^\d+(\.\d+)?s$/;
const base64 = /^[A-Za-z0-9+/]+=*$/;
const any = /^/;
const list = Array.isArray;

/** Whether a value has the shape of a pattern: a regular expression for text, a function for itself, objects and lists by their parts. */
function check(value, shape, at) {
  if (shape instanceof RegExp) assert(typeof value === "string" && shape.test(value), `${at}: ${JSON.stringify(value)} against ${shape}`);
  else if (typeof shape === "function") assert(shape(value), `${at}: ${JSON.stringify(value)}`);
  else if (list(shape)) {
    assert(list(value), `${at}: ${JSON.stringify(value)} is no list`);
    assert(value.length > 0, `${at} is empty`);
    value.forEach((item, i) => check(item, shape[0], `${at}[${i}]`));
  } else for (const [key, inner] of Object.entries(shape)) check(value?.[key], inner, `${at}.${key}`);
}

const coin = { denom: any, amount };
const block = { block_id: { hash: base64 }, block: { header: { height: amount, chain_id: any, time, proposer_address: base64 }, data: { txs: list } } };
const txResponse = {
  txhash: (h) => h === hash,
  height: amount,
  code: (code) => code === 0,
  gas_used: amount,
  gas_wanted: amount,
  timestamp: time,
  logs: list,
  events: [{ type: any, attributes: [{ key: any, value: any }] }],
  tx: { "@type": (t) => t === "/cosmos.tx.v1beta1.Tx", body: { messages: [{ "@type": any }], memo: any } },
};
const commission = { commission_rates: { rate: decimal, max_rate: decimal, max_change_rate: decimal }, update_time: time };
const oneValidator = {
  operator_address: /^cairnvaloper1/,
  consensus_pubkey: { "@type": (t) => t === "/cosmos.crypto.ed25519.PubKey", key: base64 },
  status: (s) => s === "BOND_STATUS_BONDED",
  tokens: amount,
  delegator_shares: decimal,
  description: { moniker: any, identity: any, website: any, details: any },
  commission,
  min_self_delegation: amount,
  jailed: (j) => j === false,
  unbonding_time: time,
};
const delegation = { delegation: { delegator_address: any, validator_address: any, shares: decimal }, balance: coin };
const set = { block_height: amount, validators: [{ address: /^cairnvalcons1/, pub_key: { key: base64 }, voting_power: amount, proposer_priority: /^-?\d+$/ }] };

// Everywhere: the chain itself, accounts, transactions.
const base = {
  "/cosmos/base/tendermint/v1beta1/node_info": {
    default_node_info: { network: /-\d+$/, version: /^0\.38\./, moniker: /./ },
    application_version: { name: /./, app_name: /./, version: /^\d+\.\d+\.\d+/, cosmos_sdk_version: /^v0\.50\.\d+$/ },
  },
  "/cosmos/base/tendermint/v1beta1/blocks/latest": block,
  "/cosmos/base/tendermint/v1beta1/blocks/2": block,
  "/cosmos/base/tendermint/v1beta1/validatorsets/latest?pagination.limit=300": set,
  "/cosmos/base/tendermint/v1beta1/validatorsets/2": set,
  "/cosmos/base/tendermint/v1beta1/syncing": { syncing: (s) => s === false },
  "/cosmos/base/node/v1beta1/config": { minimum_gas_price: /ucairn$/ },
  [`/cosmos/auth/v1beta1/accounts/${account}`]: {
    account: { "@type": (t) => t === "/cosmos.auth.v1beta1.BaseAccount", address: (a) => a === account, account_number: amount, sequence: amount },
  },
  "/cosmos/auth/v1beta1/accounts?pagination.limit=10": { accounts: [{ "@type": any }], pagination: { next_key: () => true } },
  "/cosmos/auth/v1beta1/params": { params: { max_memo_characters: amount, tx_sig_limit: amount } },
  "/cosmos/auth/v1beta1/module_accounts/fee_collector": { account: { name: (n) => n === "fee_collector", base_account: { address: any } } },
  [`/cosmos/bank/v1beta1/balances/${account}`]: { balances: [coin], pagination: { total: amount } },
  [`/cosmos/bank/v1beta1/balances/${account}?pagination.limit=1000`]: { balances: [coin] },
  [`/cosmos/bank/v1beta1/spendable_balances/${account}`]: { balances: [coin] },
  "/cosmos/bank/v1beta1/params": { params: { default_send_enabled: (b) => b === true } },
  "/cosmos/bank/v1beta1/supply?pagination.limit=500": { supply: [coin] },
  "/cosmos/bank/v1beta1/supply/by_denom?denom=ucairn": { amount: coin },
  "/cosmos/bank/v1beta1/denoms_metadata": { metadatas: [{ base: any, display: any, symbol: any, denom_units: [{ denom: any, exponent: Number.isInteger }] }] },
  "/cosmos/bank/v1beta1/denoms_metadata/ucairn": { metadata: { base: any } },
  [`/cosmos/tx/v1beta1/txs/${hash}`]: { tx_response: txResponse, tx: { auth_info: { fee: { amount: [coin], gas_limit: amount } } } },
  [`/cosmos/tx/v1beta1/txs?order_by=ORDER_BY_DESC&query=message.sender='${account}'&page=1&limit=20`]: { tx_responses: [{ txhash: any, height: amount }], total: amount },
  [`/cosmos/tx/v1beta1/txs?events=message.sender='${account}'&pagination.limit=5&pagination.offset=0`]: { tx_responses: [{ txhash: any }] },
  [`/cosmos/tx/v1beta1/txs?order_by=ORDER_BY_DESC&query=transfer.recipient='${account}'`]: { tx_responses: list },
};

const staking = {
  "/cosmos/staking/v1beta1/params": { params: { unbonding_time: duration, bond_denom: any, max_validators: Number.isInteger } },
  "/cosmos/staking/v1beta1/pool": { pool: { bonded_tokens: amount, not_bonded_tokens: amount } },
  "/cosmos/staking/v1beta1/validators?pagination.limit=300&status=BOND_STATUS_BONDED": { validators: [oneValidator] },
  "/cosmos/staking/v1beta1/validators?pagination.limit=300&status=BOND_STATUS_UNBONDED": { validators: list },
};
const delegated = validator && {
  [`/cosmos/staking/v1beta1/validators/${validator}`]: { validator: oneValidator },
  [`/cosmos/staking/v1beta1/validators/${validator}/delegations`]: { delegation_responses: [delegation] },
  [`/cosmos/staking/v1beta1/validators/${validator}/delegations/${delegator}`]: { delegation_response: delegation },
  [`/cosmos/staking/v1beta1/validators/${validator}/unbonding_delegations`]: { unbonding_responses: list },
  [`/cosmos/staking/v1beta1/delegations/${delegator}`]: { delegation_responses: [delegation] },
  [`/cosmos/staking/v1beta1/delegators/${delegator}/unbonding_delegations`]: { unbonding_responses: list },
  [`/cosmos/staking/v1beta1/delegators/${delegator}/redelegations`]: { redelegation_responses: list },
  [`/cosmos/staking/v1beta1/delegators/${delegator}/validators`]: { validators: [oneValidator] },
};
const slashing = {
  "/cosmos/slashing/v1beta1/params": { params: { signed_blocks_window: amount, min_signed_per_window: decimal, slash_fraction_double_sign: decimal } },
  "/cosmos/slashing/v1beta1/signing_infos?pagination.limit=300": { info: [{ address: /^cairnvalcons1/, missed_blocks_counter: amount, jailed_until: time }] },
};
const distribution = {
  "/cosmos/distribution/v1beta1/params": { params: { community_tax: decimal } },
  "/cosmos/distribution/v1beta1/community_pool": { pool: list },
  ...(validator && {
    [`/cosmos/distribution/v1beta1/delegators/${delegator}/rewards`]: { rewards: list, total: list },
    [`/cosmos/distribution/v1beta1/validators/${validator}/commission`]: { commission: { commission: list } },
    [`/cosmos/distribution/v1beta1/validators/${validator}/outstanding_rewards`]: { rewards: { rewards: list } },
    [`/cosmos/distribution/v1beta1/validators/${validator}/slashes`]: { slashes: list },
  }),
};
const mint = {
  "/cosmos/mint/v1beta1/params": { params: { mint_denom: any, inflation_max: decimal } },
  "/cosmos/mint/v1beta1/inflation": { inflation: decimal },
  "/cosmos/mint/v1beta1/annual_provisions": { annual_provisions: decimal },
};
const gov = {
  "/cosmos/gov/v1/proposals?pagination.limit=50&pagination.reverse=true&proposal_status=2": { proposals: list, pagination: () => true },
  "/cosmos/gov/v1/params/voting": { voting_params: { voting_period: duration }, params: () => true },
  "/cosmos/gov/v1/params/tallying": { tally_params: { quorum: decimal, threshold: decimal, veto_threshold: decimal } },
  "/cosmos/gov/v1/params/deposit": { deposit_params: { min_deposit: [coin], max_deposit_period: duration } },
  "/cosmos/gov/v1beta1/proposals": { proposals: list },
  "/cosmos/gov/v1beta1/params/voting": { voting_params: { voting_period: duration } },
  "/cosmos/gov/v1beta1/params/tallying": { tally_params: { quorum: decimal } },
  "/cosmos/gov/v1beta1/params/deposit": { deposit_params: { min_deposit: [coin] } },
};
const others = {
  [`/cosmos/authz/v1beta1/grants/granter/${account}`]: { grants: list },
  [`/cosmos/authz/v1beta1/grants/grantee/${account}`]: { grants: list },
  [`/cosmos/feegrant/v1beta1/allowances/${account}`]: { allowances: list },
  "/cosmos/upgrade/v1beta1/current_plan": { plan: () => true },
};
// What the whole chain does not have.
const absent = ["/feemarket/v1/params", "/cosmwasm/wasm/v1/code", "/cosmos/group/v1/groups", "/no/such/path"];

const answers = async (path) => {
  const response = await fetch(`${rest}${path}`, { headers: { origin: "https://ping.pub" } });
  assert.equal(response.headers.get("access-control-allow-origin"), "*", path);
  return { status: response.status, body: await response.json() };
};

const missing = [];
async function replay(name, calls, optional) {
  for (const [path, shape] of Object.entries(calls || {})) {
    const { status, body } = await answers(path);
    if (status === 501 && optional) {
      missing.push(path);
      continue;
    }
    assert.equal(status, 200, `${name} ${path}: ${JSON.stringify(body)}`);
    check(body, shape, path);
  }
}

await replay("the chain", base, false);
for (const [name, calls] of Object.entries({ staking, delegated, slashing, distribution, mint, gov, others })) await replay(name, calls, true);
for (const path of absent) {
  const { status, body } = await answers(path);
  assert.deepEqual([status, body], [501, { code: 12, message: "Not Implemented", details: [] }], path);
}
const none = await answers(`/cosmos/tx/v1beta1/txs/${"0".repeat(64)}`);
assert.deepEqual([none.status, none.body.code], [404, 5]);
assert.match(none.body.message, /^tx not found: /);
const bad = await answers("/cosmos/bank/v1beta1/balances/nobody");
assert.equal(bad.status, 400);
console.log(JSON.stringify({ missing }));
