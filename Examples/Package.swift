// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as yours would be; there `path: ".."` is the path or address of tensorio.
let package = Package(
  name: "Examples",
  dependencies: [.package(name: "tensorio", path: "..")],
  targets: [
    .executableTarget(
      name: "digits",
      dependencies: [
        .product(name: "TensorData", package: "tensorio"),
        .product(name: "TensorIO", package: "tensorio"),
      ],
      path: "Digits", exclude: ["digits.npz"], swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
