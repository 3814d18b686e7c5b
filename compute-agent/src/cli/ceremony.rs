//! `cairn-agent ceremony`: keys that nobody can forge with, unless everybody who took part colluded.
use std::{
    fs::File,
    io::{BufReader, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use ark_ff::UniformRand;
use cairn_circuits::{
    Circuit, Prover,
    ceremony::{Beacon, Ceremony, Powers, initial_key, powers_needed},
};
use cairn_verifier::RecordFile;
use clap::{Args, Subcommand};
use rand::rngs::OsRng;

use super::{
    circuit::Which,
    files::{self, For},
};

/// Makes and checks keys of circuits.
///
/// A ceremony goes: one starts it from the powers of a public first phase; each contributor in turn contributes to the file and publishes what the command
/// prints; one closes it with a value that nobody could foresee; anybody verifies it all; whoever proves takes the key. One honest contributor is enough.
#[derive(Debug, Subcommand)]
pub(crate) enum CeremonyCommand {
    /// Begin a ceremony for a circuit from the powers of a public first phase.
    Start {
        #[command(flatten)]
        which: Which,
        /// A `.ptau` file. Compare its hash with the one that the first phase published.
        #[arg(long, value_name = "FILE")]
        powers: PathBuf,
        /// The ceremony's file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Add a secret of yours and forget it. Publish what this prints.
    Contribute {
        #[command(flatten)]
        at: At,
        /// Your name and where you publish your attestation; at most 200 bytes, and public.
        #[arg(long)]
        name: String,
        /// Text that is mixed into the randomness of this machine: dice, keys hit at random. Asked for where a terminal is there.
        #[arg(long)]
        entropy: Option<String>,
    },
    /// End a ceremony with a public value that nobody could know before its last contribution was published.
    Close {
        #[command(flatten)]
        at: At,
        /// What the value is: `cairn-1 block 1200`, say.
        #[arg(long)]
        name: String,
        /// The value, 32 bytes in hexadecimal: the hash of a block to come.
        #[arg(long, value_name = "HEX")]
        value: String,
        /// It is hashed 2^ROUNDS times.
        #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u8).range(0..=40))]
        rounds: u8,
    },
    /// Check a whole ceremony against the circuit and the powers, and show who took part.
    Verify {
        #[command(flatten)]
        at: At,
        /// The `.ptau` file that it began with.
        #[arg(long, value_name = "FILE")]
        powers: PathBuf,
    },
    /// Verify a closed ceremony and take its key: the proving key, and the record to register on the chain.
    Key {
        #[command(flatten)]
        at: At,
        /// The `.ptau` file that it began with.
        #[arg(long, value_name = "FILE")]
        powers: PathBuf,
        #[command(flatten)]
        out: Out,
    },
    /// Make a key on this machine alone. Its record says so: others must trust you not to forge.
    Alone {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        out: Out,
        /// Mark it as a test key, from a written seed: everybody can forge, and a main network refuses it.
        #[arg(long)]
        test: bool,
    },
    /// Write powers from secrets of this run, to practise with: who runs this could forge whatever is built on them.
    PracticePowers {
        /// There are 2^POWER of them.
        #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u8).range(1..=18))]
        power: u8,
        /// The `.ptau` file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// A ceremony's file and its circuit.
#[derive(Debug, Args)]
pub(crate) struct At {
    #[command(flatten)]
    which: Which,
    /// The ceremony's file.
    file: PathBuf,
}

/// Where a key goes.
#[derive(Debug, Args)]
pub(crate) struct Out {
    /// The proving key, for whoever proves.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The record, which is registered.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
}

impl CeremonyCommand {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Start { which, powers, out } => start(&which, &powers, &out),
            Self::Contribute { at, name, entropy } => {
                let entropy = entropy.map_or_else(ask, Ok)?;
                at.change(|ceremony| Ok(ceremony.contribute(&name, entropy.as_bytes(), &mut OsRng)?))
            }
            Self::Close { at, name, value, rounds } => {
                let value = hex::decode(&value).ok().and_then(|bytes| bytes.try_into().ok());
                let beacon = Beacon { value: value.context("--value has 32 bytes in hexadecimal")?, rounds };
                at.change(|ceremony| Ok(ceremony.close(&name, beacon, &mut OsRng)?))
            }
            Self::Verify { at, powers } => at.verified(&powers).map(|_| ()),
            Self::Key { at, powers, out } => {
                out.is_free()?;
                if !at.read()?.1.is_closed() {
                    bail!("the ceremony is not closed: `cairn-agent ceremony close` ends it with a public value");
                }
                let (circuit, ceremony) = at.verified(&powers)?;
                let provenance = ceremony.provenance();
                out.write(&at.which, &Prover::new(circuit, ceremony.key, provenance)?)
            }
            Self::Alone { which, out, test } => {
                out.is_free()?;
                let (_, circuit) = which.circuit()?;
                eprintln!("making the key");
                out.write(&which, &if test { Prover::for_tests(circuit, [0; 32])? } else { Prover::alone(circuit, &mut OsRng)? })
            }
            Self::PracticePowers { power, out } => {
                let secret = || ark_bn254::Fr::rand(&mut OsRng);
                let powers = Powers::known(power.into(), secret(), secret(), secret());
                files::create(&out, For::Everybody, |mut file| Ok(powers.write(&mut file)?))?;
                println!("wrote 2^{power} powers to practise with to {}", out.display());
                Ok(())
            }
        }
    }
}

fn start(which: &Which, powers: &Path, out: &Path) -> Result<()> {
    let (_, circuit) = which.circuit()?;
    let initial = initial_key(&circuit, &read_powers(&circuit, powers)?)?;
    let ceremony = Ceremony::new(circuit.digest(), initial);
    files::create(out, For::Everybody, |mut file| Ok(ceremony.write(&mut file)?))?;
    println!("circuit {}\nwrote {}; contributors add to it one after the other", hex::encode(circuit.digest()), out.display());
    Ok(())
}

/// As many powers as the circuit takes, checked.
fn read_powers(circuit: &Circuit, path: &Path) -> Result<Powers> {
    let needed = powers_needed(circuit)?;
    eprintln!("reading and checking 2^{} powers", needed.ilog2());
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Powers::read(&mut file, needed, &mut OsRng).with_context(|| path.display().to_string())
}

/// Text from the terminal; nothing where there is none.
fn ask() -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Ok(String::new());
    }
    eprintln!("hit keys at random, then Enter (this is mixed into the randomness of this machine):");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line)
}

impl At {
    fn read(&self) -> Result<(Circuit, Ceremony)> {
        let (_, circuit) = self.which.circuit()?;
        let file = File::open(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let ceremony = Ceremony::read(&circuit, &mut BufReader::new(file)).with_context(|| self.file.display().to_string())?;
        Ok((circuit, ceremony))
    }

    /// Adds to the ceremony and prints what is published.
    fn change(&self, change: impl FnOnce(&mut Ceremony) -> Result<()>) -> Result<()> {
        let (_, mut ceremony) = self.read()?;
        let before = ceremony.hash();
        change(&mut ceremony)?;
        files::replace(&self.file, For::Everybody, |mut file| Ok(ceremony.write(&mut file)?))?;
        println!("contribution {} to circuit {}", ceremony.contributions.len(), hex::encode(ceremony.circuit));
        println!("  before  {}\n  after   {}", hex::encode(before), hex::encode(ceremony.hash()));
        println!("publish these lines under your name: who verifies the ceremony compares the hash after your contribution");
        Ok(())
    }

    /// The ceremony, checked from the powers on.
    fn verified(&self, powers: &Path) -> Result<(Circuit, Ceremony)> {
        let (circuit, ceremony) = self.read()?;
        let initial = initial_key(&circuit, &read_powers(&circuit, powers)?)?;
        ceremony.verify(&initial, &mut OsRng)?;
        println!("circuit {}", hex::encode(circuit.digest()));
        for (number, hash) in (1..).zip(ceremony.hashes()) {
            let contribution = &ceremony.contributions[number - 1];
            let what = if contribution.beacon.is_some() { "beacon" } else { "contributor" };
            println!("  {number:3} {what:11} {}  {}", hex::encode(hash), contribution.name);
        }
        println!("every contribution holds; {}", ceremony.provenance());
        if !ceremony.is_closed() {
            println!("it is not closed yet");
        }
        Ok((circuit, ceremony))
    }
}

impl Out {
    /// Refuses files that are there, before minutes of work.
    fn is_free(&self) -> Result<()> {
        for path in [&self.key, &self.record] {
            files::is_free(path)?;
        }
        Ok(())
    }
    fn write(&self, which: &Which, prover: &Prover) -> Result<()> {
        let record = RecordFile::of(prover.record(), &which.serves()?, u32::try_from(prover.circuit().runs())?);
        files::create(&self.key, For::Everybody, |mut file| Ok(prover.write(&mut file)?))?;
        files::create(&self.record, For::Everybody, |file| files::json(file, &record))?;
        println!("circuit {}, {} constraints", record.circuit, prover.constraints());
        println!("key     {}: {}", record.id, prover.record().provenance);
        println!("wrote {} and {}", self.key.display(), self.record.display());
        Ok(())
    }
}
