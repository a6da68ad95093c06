// Looks in goroutines, which the runtime moves between threads and interrupts by signals, and meets
// a nil pointer, for which Go has a SIGSEGV handler.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"sync"
)

func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

func seesAVX2() bool {
	_, ebx, _, _ := cpuid(7, 0)
	return ebx&(1<<5) != 0
}

func recovers(pointer *int) (recovered bool) {
	defer func() { recovered = recover() != nil }()
	return *pointer == 0
}

func main() {
	wanted := os.Getenv("SIGHT") != "masked"
	var group sync.WaitGroup
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for k := 0; k < 50; k++ {
				if seesAVX2() != wanted {
					fmt.Println("sees wrong")
					os.Exit(1)
				}
				sha256.Sum256(make([]byte, 10000))
				if !recovers(nil) {
					os.Exit(2)
				}
			}
		}()
	}
	group.Wait()
	if err := exec.Command("true").Run(); err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	fmt.Println("go is right")
}
