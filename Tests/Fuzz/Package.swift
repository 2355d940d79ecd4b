// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who uses the library builds it. Build it with script/fuzz.
let package = Package(
  name: "tensorio-fuzz",
  dependencies: [.package(name: "tensorio", path: "../..")],
  targets: [
    .target(name: "CFuzz", linkerSettings: [.linkedLibrary("z")]),
    .executableTarget(
      name: "tensorio-fuzz",
      dependencies: ["CFuzz", .product(name: "TensorIO", package: "tensorio")],
      swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
