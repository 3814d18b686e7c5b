//! What a validator's shares are worth. Pure arithmetic, digit for digit that of the Cosmos SDK 0.50.
use cairn_kernel::{Dec, Result};
use cairn_proto::cosmos::staking::v1beta1::Validator;

use crate::{Error, POWER_REDUCTION};

/// A validator's tokens, and the shares that were issued for them. A slash takes tokens and leaves the shares, which are then worth less.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stake {
    /// Base units.
    pub tokens: u128,
    /// Shares of all delegators.
    pub shares: Dec,
}

impl Stake {
    /// That of a stored validator.
    pub fn of(validator: &Validator) -> Result<Self> {
        Ok(Self { tokens: amount(&validator.tokens)?, shares: Dec::from_wire(&validator.delegator_shares)? })
    }
    /// `validator` with this stake.
    #[must_use]
    pub(crate) fn within(self, validator: &Validator) -> Validator {
        Validator { tokens: self.tokens.to_string(), delegator_shares: self.shares.to_wire(), ..validator.clone() }
    }
    /// Voting power: whole millions of base units.
    #[must_use]
    pub fn power(&self) -> u64 {
        u64::try_from(self.tokens / POWER_REDUCTION).unwrap_or(u64::MAX)
    }
    /// Whether shares are left without any tokens: they have no price, so that nobody can buy more.
    #[must_use]
    pub fn is_worthless(&self) -> bool {
        self.tokens == 0 && !self.shares.is_zero()
    }
    /// What `shares` are worth, to the nearest of the 18th place.
    ///
    /// # Errors
    /// No shares are issued; overflow.
    pub fn worth(&self, shares: &Dec) -> Result<Dec> {
        shares.mul_int(self.tokens)?.quo(&self.shares)
    }
    /// How many shares `tokens` are, rounded down at the 18th place.
    ///
    /// # Errors
    /// [`Error::NoTokens`]; overflow.
    pub fn shares_for(&self, tokens: u128) -> Result<Dec> {
        if self.tokens == 0 {
            return Err(Error::NoTokens.into());
        }
        self.shares.mul_int(tokens)?.quo_int(self.tokens)
    }
    /// Adds tokens; gives the shares issued for them: as many as tokens where there are none yet.
    pub(crate) fn deposit(&mut self, tokens: u128) -> Result<Dec> {
        let issued = if self.shares.is_zero() { Dec::from_int(tokens) } else { self.shares_for(tokens)? };
        self.tokens = self.tokens.checked_add(tokens).ok_or(Error::TooMuch)?;
        self.shares = self.shares.add(&issued)?;
        Ok(issued)
    }
    /// Takes shares out; gives the whole tokens that they were worth. The last shares take all that is left.
    pub(crate) fn withdraw(&mut self, shares: &Dec) -> Result<u128> {
        let left = self.shares.sub(shares)?;
        let paid = if left.is_zero() { self.tokens } else { self.worth(shares)?.truncate()? };
        self.tokens = self.tokens.checked_sub(paid).ok_or(Error::Corrupt("shares are worth more than there is"))?;
        self.shares = left;
        Ok(paid)
    }
    /// Takes tokens away from all shares.
    pub(crate) fn burn(&mut self, tokens: u128) -> Result<()> {
        self.tokens = self.tokens.checked_sub(tokens).ok_or(Error::Slash("more than the validator has"))?;
        Ok(())
    }
}

/// A stored amount of base units.
pub(crate) fn amount(text: &str) -> Result<u128> {
    text.parse().map_err(|_| Error::Corrupt("an amount").into())
}
