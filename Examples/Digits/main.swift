// Learns to read digits: softmax regression on 1,600 pictures of 16 x 16 pixels, tested on 400 others.
//
//     digits [digits.npz [weights.npz]]

import Glibc
import TensorData
import TensorIO

let (pixels, classes, rate) = (256, 10, Float(0.1))
var weights = [Float](repeating: 0, count: pixels * classes)
var biases = [Float](repeating: 0, count: classes)

/// The probabilities of the ten digits for one picture.
@MainActor func predict(_ picture: ArraySlice<Float>) -> [Float] {
  var scores = biases
  for (pixel, value) in picture.enumerated() where value != 0 {
    for digit in 0..<classes { scores[digit] += value * weights[pixel * classes + digit] }
  }
  let most = scores.max() ?? 0
  let powers = scores.map { expf($0 - most) }
  let sum = powers.reduce(0, +)
  return powers.map { $0 / sum }
}

let path = CommandLine.arguments.dropFirst().first ?? "Examples/Digits/digits.npz"
let train = try TensorDataset(opening: path, columns: ["x_train", "y_train"])
  .scaling("x_train", by: 1.0 / 255)
let test = try TensorDataset(opening: path, columns: ["x_test", "y_test"])
  .scaling("x_test", by: 1.0 / 255)

for epoch in 1...20 {
  for try await batch in train.batches(of: 32, shuffle: .seeded(7), epoch: epoch) {
    let pictures = try batch["x_train"].array(of: Float.self)
    for (row, label) in try batch["y_train"].array(of: UInt8.self).enumerated() {
      let picture = pictures[row * pixels..<(row + 1) * pixels]
      var error = predict(picture)
      error[Int(label)] -= 1
      for digit in 0..<classes { biases[digit] -= rate * error[digit] }
      for (pixel, value) in picture.enumerated() where value != 0 {
        for digit in 0..<classes { weights[pixel * classes + digit] -= rate * error[digit] * value }
      }
    }
  }
}

let pictures = try test.tensor("x_test").array(of: Float.self)
let labels = try test.tensor("y_test").array(of: UInt8.self)
let right = labels.indices.count(where: { row in
  let chances = predict(pictures[row * pixels..<(row + 1) * pixels])
  return chances.indices.max { chances[$0] < chances[$1] } == Int(labels[row])
})
print("\(right) of \(labels.count) digits read: \(Double(right) / Double(labels.count) * 100) %")
if let output = CommandLine.arguments.dropFirst(2).first {
  let layers = try [
    ("weights", Tensor(weights, shape: [pixels, classes])), ("biases", Tensor(biases)),
  ]
  try TensorArchive(layers).write(to: output)
}
