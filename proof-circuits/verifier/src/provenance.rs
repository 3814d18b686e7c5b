//! Where a key comes from. A key is as trustworthy as the most honest of those who made it.
use crate::KeyError;

/// Length of an encoded provenance.
pub const PROVENANCE_BYTES: usize = 37;

/// Who made a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// A seed that everybody knows: whoever likes can forge. For tests alone.
    Test,
    /// One party, who could forge had it kept what it drew.
    Single,
    /// A second phase of several contributions; one honest contributor suffices.
    Ceremony {
        /// How many contributed, the closing beacon not counted.
        contributions: u32,
        /// Hash of the whole transcript, which anybody can verify.
        transcript: [u8; 32],
    },
}

impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Test => f.write_str("a test key: whoever likes can forge proofs"),
            Self::Single => f.write_str("made by one party alone, who could forge proofs"),
            Self::Ceremony { contributions, transcript } => {
                write!(f, "a ceremony of {contributions} contributors, transcript {}", hex::encode(transcript))
            }
        }
    }
}

impl Provenance {
    /// Whether a chain with something at stake may register such a key: at least three contributors.
    #[must_use]
    pub fn is_for_production(&self) -> bool {
        matches!(self, Self::Ceremony { contributions, .. } if *contributions >= 3)
    }

    /// `u8 kind (0 test, 1 single, 2 ceremony) || u32 contributions, big endian || 32 bytes of transcript`, zero where unused.
    #[must_use]
    pub fn encode(&self) -> [u8; PROVENANCE_BYTES] {
        let (kind, contributions, transcript) = match self {
            Self::Test => (0u8, 0, [0; 32]),
            Self::Single => (1, 0, [0; 32]),
            Self::Ceremony { contributions, transcript } => (2, *contributions, *transcript),
        };
        let mut bytes = [0; PROVENANCE_BYTES];
        let parts = std::iter::once(kind).chain(contributions.to_be_bytes()).chain(transcript);
        for (place, byte) in bytes.iter_mut().zip(parts) {
            *place = byte;
        }
        bytes
    }

    /// Reads what [`Provenance::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`KeyError::Provenance`]; also for a ceremony without contributions.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        let (kind, rest) = bytes.split_first_chunk::<1>().ok_or(KeyError::Provenance)?;
        let (contributions, rest) = rest.split_first_chunk::<4>().ok_or(KeyError::Provenance)?;
        let transcript: [u8; 32] = rest.try_into().map_err(|_| KeyError::Provenance)?;
        let contributions = u32::from_be_bytes(*contributions);
        match (kind, contributions) {
            ([0], 0) if transcript == [0; 32] => Ok(Self::Test),
            ([1], 0) if transcript == [0; 32] => Ok(Self::Single),
            ([2], 1..) => Ok(Self::Ceremony { contributions, transcript }),
            _ => Err(KeyError::Provenance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_read_back_and_no_others() {
        let ceremony = |contributions| Provenance::Ceremony { contributions, transcript: [7; 32] };
        for provenance in [Provenance::Test, Provenance::Single, ceremony(1), ceremony(u32::MAX)] {
            assert_eq!(Provenance::decode(&provenance.encode()), Ok(provenance));
        }
        let mut bytes = Provenance::Test.encode();
        for (at, value) in [(0, 3), (4, 1), (36, 1)] {
            bytes[at] = value;
            assert_eq!(Provenance::decode(&bytes), Err(KeyError::Provenance), "{at}");
            bytes[at] = 0;
        }
        assert_eq!(Provenance::decode(&ceremony(0).encode()), Err(KeyError::Provenance));
        assert_eq!(Provenance::decode(&bytes[..36]), Err(KeyError::Provenance));
        assert_eq!(Provenance::decode(&[]), Err(KeyError::Provenance));
    }

    #[test]
    fn production_wants_three_contributors() {
        let ceremony = |contributions| Provenance::Ceremony { contributions, transcript: [7; 32] };
        assert!(!Provenance::Test.is_for_production() && !Provenance::Single.is_for_production());
        assert!(!ceremony(2).is_for_production() && ceremony(3).is_for_production());
    }
}
