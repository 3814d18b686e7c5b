//! The three kinds of authorization: which message they are for, what they let pass, and what is left of them.
use cairn_kernel::{Address, Coin, Coins, Ctx, Result, sdk};
use cairn_proto::{
    Any, coin,
    cosmos::{
        authz::v1beta1::GenericAuthorization,
        bank::v1beta1::{MsgSend, SendAuthorization},
        staking::v1beta1::{
            AuthorizationType, MsgBeginRedelegate, MsgCancelUnbondingDelegation, MsgDelegate, MsgUndelegate, StakeAuthorization,
            stake_authorization::{Validators, ValidatorsChoice},
        },
    },
    pack, unpack,
};
use prost::Name;

use crate::Error;

/// Addresses that one authorization may list.
const MAX_ADDRESSES: usize = 100;
/// Gas for each address that is compared, as in the Cosmos SDK.
const GAS_ADDRESS: u64 = 10;

/// An authorization, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Authorization {
    /// Any message of a type.
    Generic(String),
    /// Transfers up to an amount.
    Send {
        /// What is left.
        limit: Coins,
        /// To whom; empty: to anybody.
        allowed: Vec<String>,
    },
    /// Staking with some validators, up to an amount.
    Stake {
        /// Which message of staking.
        kind: AuthorizationType,
        /// What is left; `None` has no limit.
        limit: Option<Coin>,
        /// With whom.
        validators: ValidatorsChoice,
    },
}

/// What is left after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// The same as before.
    Unchanged,
    /// Less.
    Less,
    /// Nothing: the authorization is used up.
    Nothing,
}

impl Authorization {
    /// Reads and checks what a message or state holds.
    ///
    /// # Errors
    /// `sdk/29` for another type; `sdk/10` for malformed limits; `sdk/18` for lists that are too long or name one twice.
    pub(crate) fn read(packed: &Any) -> Result<Self> {
        match packed.type_url.as_str() {
            url if url == GenericAuthorization::type_url() => generic(unpack(packed)?),
            url if url == SendAuthorization::type_url() => send(unpack(packed)?),
            url if url == StakeAuthorization::type_url() => stake(unpack(packed)?),
            other => {
                let shown: String = other.chars().take(128).collect();
                Err(sdk::invalid_type(format!("expected a generic, send or stake authorization, found {shown:?}")))
            }
        }
    }

    /// As messages and state hold it.
    pub(crate) fn packed(&self) -> Any {
        match self {
            Self::Generic(msg) => pack(&GenericAuthorization { msg: msg.clone() }),
            Self::Send { limit, allowed } => pack(&SendAuthorization { spend_limit: coin::to_proto(limit), allow_list: allowed.clone() }),
            Self::Stake { kind, limit, validators } => pack(&StakeAuthorization {
                max_tokens: limit.as_ref().map(Into::into),
                authorization_type: (*kind).into(),
                validators_choice: Some(validators.clone()),
            }),
        }
    }

    /// The type of the message it is for.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Generic(msg) => msg.clone(),
            Self::Send { .. } => MsgSend::type_url(),
            Self::Stake { kind, .. } => match kind {
                AuthorizationType::Delegate | AuthorizationType::Unspecified => MsgDelegate::type_url(),
                AuthorizationType::Undelegate => MsgUndelegate::type_url(),
                AuthorizationType::Redelegate => MsgBeginRedelegate::type_url(),
                AuthorizationType::CancelUnbondingDelegation => MsgCancelUnbondingDelegation::type_url(),
            },
        }
    }

    /// Takes what `message` moves off the limit.
    ///
    /// # Errors
    /// `sdk/4` for a recipient or validator that is not allowed; `sdk/5` above the limit; `sdk/10` for malformed coins.
    pub(crate) fn accept(&mut self, ctx: &Ctx, message: &Any) -> Result<Left> {
        match self {
            Self::Generic(_) => Ok(Left::Unchanged),
            Self::Send { limit, allowed } => accept_send(ctx, limit, allowed, &unpack(message)?),
            Self::Stake { limit, validators, .. } => {
                let (validator, amount) = staked(message)?;
                accept_stake(ctx, limit, validators, &validator, &amount)
            }
        }
    }
}

fn generic(from: GenericAuthorization) -> Result<Authorization> {
    if from.msg.is_empty() {
        return Err(sdk::invalid_request("msg type cannot be empty"));
    }
    Ok(Authorization::Generic(from.msg))
}

fn send(from: SendAuthorization) -> Result<Authorization> {
    let limit = coin::coins(&from.spend_limit)?;
    if limit.is_empty() {
        return Err(sdk::invalid_coins("spend limit cannot be nil"));
    }
    check_list(&from.allow_list)?;
    from.allow_list.iter().try_for_each(|address| Address::parse(address).map(drop))?;
    Ok(Authorization::Send { limit, allowed: from.allow_list })
}

fn stake(from: StakeAuthorization) -> Result<Authorization> {
    let kind = AuthorizationType::try_from(from.authorization_type).unwrap_or(AuthorizationType::Unspecified);
    if kind == AuthorizationType::Unspecified {
        return Err(Error::UnknownType.into());
    }
    let limit = from.max_tokens.map(|c| Coin::try_from(&c).and_then(Coin::positive)).transpose()?;
    let missing = || sdk::invalid_request("expected a list of validators, allowed or denied");
    let validators = from.validators_choice.ok_or_else(missing)?;
    let list = addresses(&validators);
    check_list(list)?;
    list.iter().try_for_each(|address| Address::parse_with("cairnvaloper", address).map(drop))?;
    Ok(Authorization::Stake { kind, limit, validators })
}

fn addresses(validators: &ValidatorsChoice) -> &[String] {
    match validators {
        ValidatorsChoice::AllowList(Validators { address }) | ValidatorsChoice::DenyList(Validators { address }) => address,
    }
}

fn check_list(list: &[String]) -> Result<()> {
    if list.len() > MAX_ADDRESSES {
        return Err(sdk::invalid_request(format!("expected at most {MAX_ADDRESSES} addresses, found {}", list.len())));
    }
    let mut sorted: Vec<&String> = list.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(sdk::invalid_request("an address is listed twice"));
    }
    Ok(())
}

/// Whether `address` is listed. The whole list is charged for: gas does not tell where it stands.
fn is_listed(ctx: &Ctx, list: &[String], address: &str) -> Result<bool> {
    let compared = u64::try_from(list.len()).unwrap_or(u64::MAX);
    ctx.gas().consume_at(compared.saturating_mul(GAS_ADDRESS), "authorization list")?;
    Ok(list.iter().any(|listed| listed == address))
}

fn accept_send(ctx: &Ctx, limit: &mut Coins, allowed: &[String], m: &MsgSend) -> Result<Left> {
    let over = || sdk::insufficient_funds("requested amount is more than spend limit");
    let left = limit.checked_sub(&coin::coins(&m.amount)?).ok_or_else(over)?;
    if !allowed.is_empty() && !is_listed(ctx, allowed, &m.to_address)? {
        let shown: String = m.to_address.chars().take(90).collect();
        return Err(sdk::unauthorized(format!("cannot send to {shown} address")));
    }
    *limit = left;
    Ok(if limit.is_empty() { Left::Nothing } else { Left::Less })
}

/// The validator and the amount of a message of staking.
fn staked(message: &Any) -> Result<(String, Coin)> {
    let (validator, amount) = match message.type_url.as_str() {
        url if url == MsgDelegate::type_url() => unpack(message).map(|m: MsgDelegate| (m.validator_address, m.amount))?,
        url if url == MsgUndelegate::type_url() => unpack(message).map(|m: MsgUndelegate| (m.validator_address, m.amount))?,
        url if url == MsgBeginRedelegate::type_url() => unpack(message).map(|m: MsgBeginRedelegate| (m.validator_dst_address, m.amount))?,
        _ => unpack(message).map(|m: MsgCancelUnbondingDelegation| (m.validator_address, m.amount))?,
    };
    Ok((validator, Coin::try_from(&amount.unwrap_or_default())?))
}

fn accept_stake(ctx: &Ctx, limit: &mut Option<Coin>, validators: &ValidatorsChoice, validator: &str, amount: &Coin) -> Result<Left> {
    let listed = is_listed(ctx, addresses(validators), validator)?;
    let refused = match validators {
        ValidatorsChoice::DenyList(_) => listed,
        ValidatorsChoice::AllowList(list) => !list.address.is_empty() && !listed,
    };
    if refused {
        let shown: String = validator.chars().take(90).collect();
        return Err(sdk::unauthorized(format!("cannot delegate/undelegate to {shown} validator")));
    }
    let Some(limit) = limit else { return Ok(Left::Unchanged) };
    if limit.denom != amount.denom {
        return Err(sdk::invalid_coins(format!("expected {}, found {}", limit.denom, amount.denom)));
    }
    let over = || sdk::insufficient_funds("requested amount is more than the authorization's limit");
    limit.amount = limit.amount.checked_sub(amount.amount).ok_or_else(over)?;
    Ok(if limit.amount == 0 { Left::Nothing } else { Left::Less })
}
