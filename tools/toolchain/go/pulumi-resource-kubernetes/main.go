// The Kubernetes provider as its maintainers build it, less two generated documents.
//
// The published module lacks the schema and the Terraform mapping that its own main package embeds.
// Neither is read while resources are created, changed or deleted, so both are empty here.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// version says which commit of the provider this is: one between 4.24.1 and 4.25.0.
const version = "4.25.0-alpha.20260115033456+f47bc2d6f199"

func main() {
	provider.Serve("kubernetes", version, []byte("{}"), []byte("{}"))
}
