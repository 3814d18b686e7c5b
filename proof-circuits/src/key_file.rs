//! Proving keys and ceremonies as files.
//!
//! ```text
//! key      = "cairn/provingkey" || circuit digest || provenance || points, uncompressed
//! ceremony = "cairn/ceremony 2" || circuit digest || u32 count || (u32 length || contribution) .. || points
//! points   = alpha, beta (G1), delta (G1), beta, gamma, delta (G2), the inputs' (2), a, b in G1, b in G2, h, l
//! ```
//! How many points there are follows from the circuit and is never read: a file can be too short or too long, not lie about its size.
//! Every point is checked to lie in its group. Integers are big endian.
use std::io::{Read, Write};

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_groth16::{ProvingKey, VerifyingKey};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use cairn_verifier::{KeyRecord, PROVENANCE_BYTES, Provenance, VerifyingKey as Verifying};

use crate::{
    Circuit, ProveError, Prover,
    ceremony::{Ceremony, CeremonyError, Contribution, MAX_CONTRIBUTIONS},
    cs::INSTANCE,
    prover::constraints,
};

const KEY: &[u8; 16] = b"cairn/provingkey";
const CEREMONY: &[u8; 16] = b"cairn/ceremony 2";

impl Prover {
    /// Writes the proving key.
    ///
    /// # Errors
    /// [`CeremonyError::Io`].
    pub fn write(&self, file: &mut impl Write) -> Result<(), CeremonyError> {
        file.write_all(KEY)?;
        file.write_all(&self.record().circuit)?;
        file.write_all(&self.record().provenance.encode())?;
        write_points(self.key(), file)
    }

    /// The record of a proving key's file, from its head alone: which key it is, before minutes of reading and without its circuit.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn record_of(file: &mut impl Read) -> Result<KeyRecord, CeremonyError> {
        if take::<16>(file)? != *KEY {
            return Err(CeremonyError::Format("it begins otherwise"));
        }
        let circuit = take::<32>(file)?;
        let provenance = read_provenance(file)?;
        let key = Verifying::new(&read_head(file)?.vk).map_err(ProveError::Key)?;
        Ok(KeyRecord { circuit, provenance, key })
    }

    /// Reads the proving key of a circuit.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn read(circuit: Circuit, file: &mut impl Read) -> Result<Self, CeremonyError> {
        open(file, KEY, &circuit)?;
        let provenance = read_provenance(file)?;
        let key = read_points(&circuit, file)?;
        Ok(Self::new(circuit, key, provenance)?)
    }
}

impl Ceremony {
    /// Writes the ceremony as it stands.
    ///
    /// # Errors
    /// [`CeremonyError::Io`].
    pub fn write(&self, file: &mut impl Write) -> Result<(), CeremonyError> {
        file.write_all(CEREMONY)?;
        file.write_all(&self.circuit)?;
        file.write_all(&(self.contributions.len() as u32).to_be_bytes())?;
        for contribution in &self.contributions {
            let bytes = contribution.encode();
            file.write_all(&(bytes.len() as u32).to_be_bytes())?;
            file.write_all(&bytes)?;
        }
        write_points(&self.key, file)
    }

    /// Reads a ceremony of a circuit. It is not verified: [`Ceremony::verify`] does that.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn read(circuit: &Circuit, file: &mut impl Read) -> Result<Self, CeremonyError> {
        open(file, CEREMONY, circuit)?;
        let count = u32::from_be_bytes(take(file)?) as usize;
        if count > MAX_CONTRIBUTIONS {
            return Err(CeremonyError::Format("it has more contributions than there may be"));
        }
        let mut contributions = Vec::new();
        for _ in 0..count {
            let length = u32::from_be_bytes(take(file)?);
            let mut bytes = Vec::new();
            file.by_ref().take(u64::from(length.min(1024))).read_to_end(&mut bytes)?;
            contributions.push(Contribution::decode(&bytes).ok_or(CeremonyError::Format("a contribution is malformed"))?);
        }
        Ok(Self { circuit: circuit.digest(), key: read_points(circuit, file)?, contributions })
    }
}

fn open(file: &mut impl Read, magic: &[u8; 16], circuit: &Circuit) -> Result<(), CeremonyError> {
    if take::<16>(file)? != *magic {
        return Err(CeremonyError::Format("it begins otherwise"));
    }
    if take::<32>(file)? == circuit.digest() { Ok(()) } else { Err(CeremonyError::Format("it is of another circuit")) }
}

fn read_provenance(file: &mut impl Read) -> Result<Provenance, CeremonyError> {
    Provenance::decode(&take::<PROVENANCE_BYTES>(file)?).map_err(|_| CeremonyError::Format("an unknown provenance"))
}

fn take<const N: usize>(file: &mut impl Read) -> Result<[u8; N], CeremonyError> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_points(key: &ProvingKey<Bn254>, file: &mut impl Write) -> Result<(), CeremonyError> {
    let singles = [key.vk.alpha_g1, key.beta_g1, key.delta_g1];
    let mut file = std::io::BufWriter::new(file);
    write_all(&singles, &mut file)?;
    write_all(&[key.vk.beta_g2, key.vk.gamma_g2, key.vk.delta_g2], &mut file)?;
    for points in [&key.vk.gamma_abc_g1, &key.a_query, &key.b_g1_query] {
        write_all(points, &mut file)?;
    }
    write_all(&key.b_g2_query, &mut file)?;
    for points in [&key.h_query, &key.l_query] {
        write_all(points, &mut file)?;
    }
    file.flush()?;
    Ok(())
}

fn write_all(points: &[impl CanonicalSerialize], file: &mut impl Write) -> Result<(), CeremonyError> {
    points
        .iter()
        .try_for_each(|point| point.serialize_uncompressed(&mut *file))
        .map_err(|_| CeremonyError::Format("it could not be written"))
}

/// What a key begins with.
struct Head {
    vk: VerifyingKey<Bn254>,
    beta_g1: G1Affine,
    delta_g1: G1Affine,
}

fn read_head(file: &mut impl Read) -> Result<Head, CeremonyError> {
    let [alpha_g1, beta_g1, delta_g1] = read_array::<G1Affine, 3>(file)?;
    let [beta_g2, gamma_g2, delta_g2] = read_array::<G2Affine, 3>(file)?;
    let vk = VerifyingKey { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1: read_all(INSTANCE, file)? };
    Ok(Head { vk, beta_g1, delta_g1 })
}

/// The points of a circuit's key, and nothing after them.
fn read_points(circuit: &Circuit, file: &mut impl Read) -> Result<ProvingKey<Bn254>, CeremonyError> {
    let (rows, variables) = constraints(circuit)?;
    let domain = (rows.len() + INSTANCE).next_power_of_two();
    let mut file = std::io::BufReader::new(file);
    let Head { vk, beta_g1, delta_g1 } = read_head(&mut file)?;
    let key = ProvingKey {
        vk,
        beta_g1,
        delta_g1,
        a_query: read_all(variables, &mut file)?,
        b_g1_query: read_all(variables, &mut file)?,
        b_g2_query: read_all(variables, &mut file)?,
        h_query: read_all(domain - 1, &mut file)?,
        l_query: read_all(variables - INSTANCE, &mut file)?,
    };
    if file.read(&mut [0])? != 0 {
        return Err(CeremonyError::Format("it goes on after the key"));
    }
    Ok(key)
}

fn read_all<P: CanonicalDeserialize>(count: usize, file: &mut impl Read) -> Result<Vec<P>, CeremonyError> {
    let point = |_| P::deserialize_uncompressed(&mut *file).map_err(|_| CeremonyError::Format("a point is missing or not in its group"));
    (0..count).map(point).collect()
}

fn read_array<P: CanonicalDeserialize, const N: usize>(file: &mut impl Read) -> Result<[P; N], CeremonyError> {
    read_all(N, file)?.try_into().map_err(|_| CeremonyError::Format("a point is missing"))
}
