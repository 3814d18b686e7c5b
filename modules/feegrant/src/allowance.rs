//! The three kinds of allowance: what they let pass, and what is left of them.
use cairn_kernel::{Coins, Ctx, Instant, Result, sdk};
use cairn_proto::{
    Any, coin,
    cosmos::feegrant::v1beta1::{AllowedMsgAllowance, BasicAllowance, PeriodicAllowance},
    pack, time, unpack,
};
use prost::Name;

use crate::Error;

/// Message types that one allowance may name.
const MAX_MESSAGES: usize = 100;
/// The longest type URL in an allowance.
const MAX_URL: usize = 256;
/// Gas for each message type that is compared, as in the Cosmos SDK.
const GAS_MESSAGE: u64 = 10;

/// An allowance, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// An amount, until a time.
    Basic(Basic),
    /// The same, and no more than so much in a period.
    Periodic(Periodic),
    /// One of the others, for some messages only.
    Allowed {
        /// What it allows for them.
        inner: Box<Allowance>,
        /// Their type URLs.
        messages: Vec<String>,
    },
}

/// An amount, until a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basic {
    /// What is left; `None` has no limit.
    left: Option<Coins>,
    /// The last moment of its use.
    expires: Option<Instant>,
}

/// No more than so much in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Periodic {
    basic: Basic,
    period: Instant,
    limit: Coins,
    left: Coins,
    reset: Instant,
}

/// What is left after a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Something.
    Some,
    /// Nothing: the allowance is used up.
    Nothing,
}

impl Allowance {
    /// Reads and checks what a message or state holds.
    ///
    /// # Errors
    /// `sdk/29` for another type, or an allowance for messages within another; what the kinds refuse.
    pub(crate) fn read(packed: &Any) -> Result<Self> {
        if packed.type_url != AllowedMsgAllowance::type_url() {
            return Self::read_plain(packed);
        }
        let AllowedMsgAllowance { allowance, allowed_messages: messages } = unpack(packed)?;
        let inner = allowance.ok_or(Error::NoAllowance)?;
        if messages.is_empty() {
            return Err(Error::NoMessages.into());
        }
        if messages.len() > MAX_MESSAGES || messages.iter().any(|m| m.len() > MAX_URL) {
            let found = messages.len();
            return Err(sdk::invalid_request(format!("expected at most {MAX_MESSAGES} types of {MAX_URL} bytes each, found {found}")));
        }
        Ok(Self::Allowed { inner: Box::new(Self::read_plain(&inner)?), messages })
    }

    fn read_plain(packed: &Any) -> Result<Self> {
        match packed.type_url.as_str() {
            url if url == BasicAllowance::type_url() => Ok(Self::Basic(Basic::read(unpack(packed)?)?)),
            url if url == PeriodicAllowance::type_url() => Ok(Self::Periodic(Periodic::read(unpack(packed)?)?)),
            other => {
                let shown: String = other.chars().take(128).collect();
                Err(sdk::invalid_type(format!("expected a basic or periodic allowance, found {shown:?}")))
            }
        }
    }

    /// As messages and state hold it.
    pub(crate) fn packed(&self) -> Any {
        match self {
            Self::Basic(basic) => pack(&basic.to_proto()),
            Self::Periodic(periodic) => pack(&periodic.to_proto()),
            Self::Allowed { inner, messages } => {
                pack(&AllowedMsgAllowance { allowance: Some(inner.packed()), allowed_messages: messages.clone() })
            }
        }
    }

    /// The last moment of its use, if it has one.
    pub(crate) fn expires(&self) -> Option<Instant> {
        match self {
            Self::Basic(basic) => basic.expires,
            Self::Periodic(periodic) => periodic.basic.expires,
            Self::Allowed { inner, .. } => inner.expires(),
        }
    }

    /// Takes `fee` off for a transaction of these messages.
    ///
    /// # Errors
    /// [`Error::Expired`], [`Error::LimitExceeded`], [`Error::MessageNotAllowed`].
    pub(crate) fn accept(&mut self, ctx: &Ctx, fee: &Coins, urls: &[&str]) -> Result<Left> {
        let now = ctx.block().instant();
        match self {
            Self::Basic(basic) => Ok(basic.accept(now, fee, "basic allowance")?),
            Self::Periodic(periodic) => Ok(periodic.accept(now, fee)?),
            Self::Allowed { inner, messages } => {
                let compared = u64::try_from(messages.len().saturating_add(urls.len())).unwrap_or(u64::MAX);
                ctx.gas().consume_at(compared.saturating_mul(GAS_MESSAGE), "check msg")?;
                if !urls.iter().all(|url| messages.iter().any(|allowed| allowed == url)) {
                    return Err(Error::MessageNotAllowed.into());
                }
                inner.accept(ctx, fee, urls)
            }
        }
    }
}

impl Basic {
    fn read(from: BasicAllowance) -> Result<Self> {
        let left = if from.spend_limit.is_empty() { None } else { Some(coin::coins(&from.spend_limit)?) };
        let expires = from.expiration.as_ref().map(time::instant).transpose();
        Ok(Self { left, expires: expires.map_err(|_| Error::InvalidDuration("expiration time cannot be negative"))? })
    }
    fn to_proto(&self) -> BasicAllowance {
        let spend_limit = self.left.as_ref().map(coin::to_proto).unwrap_or_default();
        BasicAllowance { spend_limit, expiration: self.expires.map(time::timestamp) }
    }
    fn accept(&mut self, now: Instant, fee: &Coins, name: &'static str) -> Result<Left, Error> {
        if self.expires.is_some_and(|end| end < now) {
            return Err(Error::Expired(name));
        }
        let Some(left) = &mut self.left else { return Ok(Left::Some) };
        *left = left.checked_sub(fee).ok_or(Error::LimitExceeded(name))?;
        Ok(if left.is_empty() { Left::Nothing } else { Left::Some })
    }
}

impl Periodic {
    fn read(from: PeriodicAllowance) -> Result<Self> {
        let basic = Basic::read(from.basic.unwrap_or_default())?;
        let (limit, left) = (coin::coins(&from.period_spend_limit)?, coin::coins(&from.period_can_spend)?);
        if limit.is_empty() {
            return Err(sdk::invalid_coins("spend limit must be positive"));
        }
        if basic.left.as_ref().is_some_and(|all| limit.iter().any(|c| all.amount_of(&c.denom) == 0)) {
            return Err(sdk::invalid_coins("period spend limit has different currency than basic spend limit"));
        }
        let period = time::duration(&from.period.unwrap_or_default()).map_err(|_| Error::InvalidDuration("negative clock step"))?;
        let reset = time::instant(&from.period_reset.unwrap_or_default());
        let reset = reset.map_err(|_| Error::InvalidDuration("period reset time cannot be negative"))?;
        Ok(Self { basic, period, limit, left, reset })
    }
    fn to_proto(&self) -> PeriodicAllowance {
        let period = time::timestamp(self.period);
        PeriodicAllowance {
            basic: Some(self.basic.to_proto()),
            period: Some(cairn_proto::Duration { seconds: period.seconds, nanos: period.nanos }),
            period_spend_limit: coin::to_proto(&self.limit),
            period_can_spend: coin::to_proto(&self.left),
            period_reset: Some(time::timestamp(self.reset)),
        }
    }
    fn accept(&mut self, now: Instant, fee: &Coins) -> Result<Left, Error> {
        if self.basic.expires.is_some_and(|end| end < now) {
            return Err(Error::Expired("absolute limit"));
        }
        self.begin_period(now)?;
        self.left = self.left.checked_sub(fee).ok_or(Error::LimitExceeded("period limit"))?;
        self.basic.accept(now, fee, "absolute limit")
    }
    /// Begins a new period if the last one is over: on the old rhythm, or from now on if more than one went by unused.
    fn begin_period(&mut self, now: Instant) -> Result<(), Error> {
        if now < self.reset {
            return Ok(());
        }
        self.left = match &self.basic.left {
            Some(all) if all.checked_sub(&self.limit).is_none() => all.clone(),
            _ => self.limit.clone(),
        };
        let after = |start: Instant| start.checked_add(self.period).ok_or(Error::InvalidDuration("the period never ends"));
        let next = after(self.reset)?;
        self.reset = if next < now { after(now)? } else { next };
        Ok(())
    }
}
