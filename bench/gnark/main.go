// Command gnark proves the statement of a job of cairn-bench with gnark's Groth16 over BN254, in a circuit built as ours is, and prints
// what that took as JSON. It fails where gnark's circuit does not accept the statement that ours made, or accepts another one.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/backend/groth16"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/logger"
)

const (
	module = "github.com/consensys/gnark"
	// verifications of each proof that are timed together
	verifications = 20
)

// seconds is what a step took: by the clock, and of all cores.
type seconds struct {
	Wall float64 `json:"wall"`
	CPU  float64 `json:"cpu"`
}

// measured is what cairn-bench reads.
type measured struct {
	Version       string    `json:"version"`
	Constraints   int       `json:"constraints"`
	SetUp         seconds   `json:"set_up"`
	Prove         []seconds `json:"prove"`
	Verify        []seconds `json:"verify"`
	VerifyDecoded []seconds `json:"verify_decoded"`
	Proof         int64     `json:"proof"`
	VerifyingKey  int64     `json:"verifying_key"`
	ProvingKey    int64     `json:"proving_key"`
	Memory        int64     `json:"memory"`
}

func main() {
	if err := answer(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gnark:", err)
		os.Exit(1)
	}
}

func answer(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("usage: gnark JOB.json REPETITIONS")
	}
	repetitions, err := strconv.Atoi(arguments[1])
	if err != nil || repetitions < 1 {
		return fmt.Errorf("%q is no number of repetitions", arguments[1])
	}
	logger.Disable()
	j, err := readJob(arguments[0])
	if err != nil {
		return err
	}
	out, err := measure(j, repetitions)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

// measure sets up once, then proves and verifies again and again.
func measure(j *job, repetitions int) (*measured, error) {
	out := &measured{Version: version()}
	var system constraint.ConstraintSystem
	var provingKey groth16.ProvingKey
	var verifyingKey groth16.VerifyingKey
	err := timed(&out.SetUp, func() (err error) {
		if system, err = frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, newCircuit(j)); err != nil {
			return err
		}
		provingKey, verifyingKey, err = groth16.Setup(system)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Constraints = system.GetNbConstraints()
	if err := onlyThis(j, system); err != nil {
		return nil, err
	}
	for range repetitions {
		if err := once(j, system, provingKey, verifyingKey, out); err != nil {
			return nil, err
		}
	}
	if out.ProvingKey, err = provingKey.WriteTo(io.Discard); err != nil {
		return nil, err
	}
	out.VerifyingKey, err = verifyingKey.WriteTo(io.Discard)
	out.Memory = usage().Maxrss * 1024
	return out, err
}

// onlyThis fails where the circuit accepts another statement for the same witness.
func onlyThis(j *job, system constraint.ConstraintSystem) error {
	other := newCircuit(j)
	other.Statement = new(big.Int).Xor(&j.Statement.Int, big.NewInt(1))
	wrong, err := frontend.NewWitness(other, ecc.BN254.ScalarField())
	if err != nil {
		return err
	}
	if system.IsSolved(wrong) == nil {
		return errors.New("the circuit accepts another statement")
	}
	return nil
}

// once makes a proof, witness included, and verifies it from its bytes and as it is in memory.
func once(j *job, system constraint.ConstraintSystem, provingKey groth16.ProvingKey, verifyingKey groth16.VerifyingKey, out *measured) error {
	var took seconds
	var proof groth16.Proof
	var full witness.Witness
	err := timed(&took, func() (err error) {
		if full, err = frontend.NewWitness(newCircuit(j), ecc.BN254.ScalarField()); err != nil {
			return err
		}
		proof, err = groth16.Prove(system, provingKey, full)
		return err
	})
	if err != nil {
		return err
	}
	out.Prove = append(out.Prove, took)
	public, err := full.Public()
	if err != nil {
		return err
	}
	var encoded bytes.Buffer
	if out.Proof, err = proof.WriteTo(&encoded); err != nil {
		return err
	}
	decode := func() error {
		read := groth16.NewProof(ecc.BN254)
		if _, err := read.ReadFrom(bytes.NewReader(encoded.Bytes())); err != nil {
			return err
		}
		return groth16.Verify(read, verifyingKey, public)
	}
	if err := repeated(&out.Verify, decode); err != nil {
		return err
	}
	return repeated(&out.VerifyDecoded, func() error { return groth16.Verify(proof, verifyingKey, public) })
}

// repeated times many calls together, since one is shorter than the grain of CPU time.
func repeated(into *[]seconds, work func() error) error {
	var all seconds
	err := timed(&all, func() error {
		for range verifications {
			if err := work(); err != nil {
				return err
			}
		}
		return nil
	})
	*into = append(*into, seconds{all.Wall / verifications, all.CPU / verifications})
	return err
}

func timed(into *seconds, work func() error) error {
	before, start := usage(), time.Now()
	err := work()
	after := usage()
	*into = seconds{time.Since(start).Seconds(), cpu(&after) - cpu(&before)}
	return err
}

func usage() (out syscall.Rusage) {
	// With these arguments the call cannot fail.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &out)
	return out
}

func cpu(u *syscall.Rusage) float64 {
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// version is that of the module this was built with.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return "gnark " + dependency.Version + " (" + info.GoVersion + ")"
			}
		}
	}
	return "gnark"
}
