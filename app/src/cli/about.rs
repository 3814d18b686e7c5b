//! What the commands of the Cosmos SDK's messages and queries are for: the descriptors taken from its Go types hold no comments.

/// By the full name of the request.
const REQUESTS: &[(&str, &str)] = &[
    ("cosmos.auth.v1beta1.MsgUpdateParams", "Replaces the limits of transactions; for governance alone."),
    ("cosmos.auth.v1beta1.QueryAccountRequest", "One account: its number, sequence and public key."),
    ("cosmos.auth.v1beta1.QueryAccountAddressByIDRequest", "The address of the account with a number."),
    ("cosmos.auth.v1beta1.QueryAccountInfoRequest", "Number, sequence and public key of an account of any kind."),
    ("cosmos.auth.v1beta1.QueryAccountsRequest", "All accounts, by address."),
    ("cosmos.auth.v1beta1.AddressBytesToStringRequest", "An address of bytes as text."),
    ("cosmos.auth.v1beta1.AddressStringToBytesRequest", "An address of text as bytes."),
    ("cosmos.auth.v1beta1.Bech32PrefixRequest", "The prefix of the chain's addresses."),
    ("cosmos.auth.v1beta1.QueryModuleAccountByNameRequest", "The account of one module."),
    ("cosmos.auth.v1beta1.QueryModuleAccountsRequest", "The accounts of the modules, with what each may do."),
    ("cosmos.auth.v1beta1.QueryParamsRequest", "The limits of transactions."),
    ("cosmos.authz.v1beta1.MsgExec", "Runs messages that others have granted to the signer."),
    ("cosmos.authz.v1beta1.MsgGrant", "Lets another account run a type of message in the signer's name."),
    ("cosmos.authz.v1beta1.MsgRevoke", "Takes a grant back."),
    ("cosmos.authz.v1beta1.QueryGranteeGrantsRequest", "What was granted to an account."),
    ("cosmos.authz.v1beta1.QueryGranterGrantsRequest", "What an account has granted."),
    ("cosmos.authz.v1beta1.QueryGrantsRequest", "What one account has granted to another."),
    ("cosmos.bank.v1beta1.MsgSend", "Sends coins to another account."),
    ("cosmos.bank.v1beta1.MsgMultiSend", "Sends coins of one account to many."),
    ("cosmos.bank.v1beta1.MsgSetSendEnabled", "Allows or forbids sending denominations; for governance alone."),
    ("cosmos.bank.v1beta1.MsgUpdateParams", "Replaces the settings; for governance alone."),
    ("cosmos.bank.v1beta1.QueryAllBalancesRequest", "All coins of an account, by denomination."),
    ("cosmos.bank.v1beta1.QueryBalanceRequest", "What an account has of one denomination."),
    ("cosmos.bank.v1beta1.QueryDenomMetadataRequest", "Name and units of a denomination."),
    ("cosmos.bank.v1beta1.QueryDenomMetadataByQueryStringRequest", "Name and units of a denomination, which may hold slashes."),
    ("cosmos.bank.v1beta1.QueryDenomOwnersRequest", "Who holds a denomination, by address."),
    ("cosmos.bank.v1beta1.QueryDenomOwnersByQueryRequest", "Who holds a denomination, which may hold slashes, by address."),
    ("cosmos.bank.v1beta1.QueryDenomsMetadataRequest", "Names and units of all denominations."),
    ("cosmos.bank.v1beta1.QueryParamsRequest", "The settings."),
    ("cosmos.bank.v1beta1.QuerySendEnabledRequest", "Which denominations may be sent, where that differs from the rule."),
    ("cosmos.bank.v1beta1.QuerySpendableBalanceByDenomRequest", "What an account can spend of one denomination."),
    ("cosmos.bank.v1beta1.QuerySpendableBalancesRequest", "What an account can spend, by denomination."),
    ("cosmos.bank.v1beta1.QuerySupplyOfRequest", "How much there is of one denomination."),
    ("cosmos.bank.v1beta1.QueryTotalSupplyRequest", "How much there is of every denomination."),
    ("cosmos.evidence.v1beta1.MsgSubmitEvidence", "Refused: evidence reaches the chain through consensus."),
    ("cosmos.evidence.v1beta1.QueryAllEvidenceRequest", "Every double sign that was proven."),
    ("cosmos.evidence.v1beta1.QueryEvidenceRequest", "One double sign, by the hash of its proof."),
    ("cosmos.feegrant.v1beta1.MsgGrantAllowance", "Lets another account pay its transaction fees from the signer's coins."),
    ("cosmos.feegrant.v1beta1.MsgPruneAllowances", "Removes allowances that have ended."),
    ("cosmos.feegrant.v1beta1.MsgRevokeAllowance", "Takes an allowance back."),
    ("cosmos.feegrant.v1beta1.QueryAllowanceRequest", "What one account lets another spend on fees."),
    ("cosmos.feegrant.v1beta1.QueryAllowancesByGranterRequest", "Whom an account lets spend on fees."),
    ("cosmos.feegrant.v1beta1.QueryAllowancesRequest", "Who lets an account spend on fees."),
    ("cosmos.slashing.v1beta1.MsgUnjail", "Lets the signer's validator out of jail once its time is over."),
    ("cosmos.slashing.v1beta1.MsgUpdateParams", "Replaces the settings; for governance alone."),
    ("cosmos.slashing.v1beta1.QueryParamsRequest", "The settings."),
    ("cosmos.slashing.v1beta1.QuerySigningInfoRequest", "How many blocks a validator missed, by its consensus address."),
    ("cosmos.slashing.v1beta1.QuerySigningInfosRequest", "How many blocks each validator missed."),
    ("cosmos.staking.v1beta1.MsgBeginRedelegate", "Moves a delegation from one validator to another."),
    ("cosmos.staking.v1beta1.MsgCancelUnbondingDelegation", "Delegates again what is waiting to be paid out."),
    ("cosmos.staking.v1beta1.MsgCreateValidator", "Makes the signer a validator; its beacon key must be registered before."),
    ("cosmos.staking.v1beta1.MsgDelegate", "Stakes coins with a validator."),
    ("cosmos.staking.v1beta1.MsgEditValidator", "Changes what the signer's validator says of itself, or its commission."),
    ("cosmos.staking.v1beta1.MsgUndelegate", "Takes a stake back; it is paid out after the unbonding time."),
    ("cosmos.staking.v1beta1.MsgUpdateParams", "Replaces the settings; for governance alone."),
    ("cosmos.staking.v1beta1.QueryDelegationRequest", "What an account has staked with a validator."),
    ("cosmos.staking.v1beta1.QueryDelegatorDelegationsRequest", "What an account has staked, by validator."),
    ("cosmos.staking.v1beta1.QueryDelegatorUnbondingDelegationsRequest", "What an account waits to be paid out."),
    ("cosmos.staking.v1beta1.QueryDelegatorValidatorRequest", "One of the validators with which an account has staked."),
    ("cosmos.staking.v1beta1.QueryDelegatorValidatorsRequest", "The validators with which an account has staked."),
    ("cosmos.staking.v1beta1.QueryHistoricalInfoRequest", "Header and validators of a past block."),
    ("cosmos.staking.v1beta1.QueryParamsRequest", "The settings."),
    ("cosmos.staking.v1beta1.QueryPoolRequest", "How much is staked with the set, and how much outside of it or waiting."),
    ("cosmos.staking.v1beta1.QueryRedelegationsRequest", "What an account has moved between validators within the unbonding time."),
    ("cosmos.staking.v1beta1.QueryUnbondingDelegationRequest", "What an account waits to be paid out from one validator."),
    ("cosmos.staking.v1beta1.QueryValidatorDelegationsRequest", "Who has staked how much with a validator."),
    ("cosmos.staking.v1beta1.QueryValidatorRequest", "One validator, by its operator."),
    ("cosmos.staking.v1beta1.QueryValidatorUnbondingDelegationsRequest", "Who waits to be paid out from a validator."),
    ("cosmos.staking.v1beta1.QueryValidatorsRequest", "The validators, by operator."),
    ("cosmos.vesting.v1beta1.MsgCreateVestingAccount", "Opens an account whose coins come free over time, or all at one time."),
    ("cosmos.vesting.v1beta1.MsgCreatePermanentLockedAccount", "Opens an account whose coins can be delegated and never spent."),
    ("cosmos.vesting.v1beta1.MsgCreatePeriodicVestingAccount", "Opens an account whose coins come free period by period."),
];

/// By the name of the field.
const FIELDS: &[(&str, &str)] = &[
    ("address", "The account, cairn1..."),
    ("to_address", "Who gets the coins, cairn1..."),
    ("amount", "What is sent."),
    ("denom", "The denomination, such as ucairn."),
    ("denoms", "Which denominations; without it, all."),
    ("account_id", "The account's number."),
    ("name", "The module."),
    ("outputs", "Who gets how much."),
    ("inputs", "Who gives how much: one account, the sum of the outputs."),
    ("validator_addr", "The validator's operator, cairnvaloper1..."),
    ("validator_address", "The validator's operator, cairnvaloper1..."),
    ("validator_src_address", "The validator that is left, by its operator, cairnvaloper1..."),
    ("validator_dst_address", "The validator that gets the stake, by its operator, cairnvaloper1..."),
    ("delegator_addr", "Whose stake it is, cairn1..."),
    ("delegator_address", "Whose stake it is, cairn1..."),
    ("cons_address", "The validator's consensus address, cairnvalcons1..."),
    ("creation_height", "The height at which it began to wait."),
    ("resolve_denom", "Show denominations by the names of their metadata."),
];

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// What a request of the SDK is for.
pub(crate) fn request(full_name: &str) -> Option<&'static str> {
    find(REQUESTS, full_name)
}

/// What a field of the SDK's messages is, by its full name.
pub(crate) fn field(full_name: &str) -> Option<&'static str> {
    let (_, name) = full_name.strip_prefix("cosmos.")?.rsplit_once('.')?;
    find(FIELDS, name)
}
