// Package e2e proves the product's main job from the outside: an edit in a
// simulated Autotask, over the real service with its embedded NATS, to a simulated
// Channel Program. It holds tests only; harness starts what they drive.
package e2e
