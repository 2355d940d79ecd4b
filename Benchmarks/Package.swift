// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who uses the library builds it.
let package = Package(
  name: "tensorio-benchmarks",
  dependencies: [.package(name: "tensorio", path: "..")],
  targets: [
    .executableTarget(
      name: "tensorio-bench",
      dependencies: [
        .product(name: "TensorIO", package: "tensorio"),
        .product(name: "TensorVerify", package: "tensorio"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "dataset-bench",
      dependencies: [
        .product(name: "TensorIO", package: "tensorio"),
        .product(name: "TensorData", package: "tensorio"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]),
    .executableTarget(
      name: "gpu-check",
      dependencies: [.product(name: "TensorIO", package: "tensorio")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
