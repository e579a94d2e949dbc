// Colors a gray image with an end-to-end model, in ONNX Runtime:  color_onnxruntime MODEL.onnx IN.pgm OUT.ppm
// c++ -std=c++17 color_onnxruntime.cpp -o color_onnxruntime -I"$ORT/include" -L"$ORT/lib" -lonnxruntime
#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

int main(int count, char** words) {
    if (count != 4) {
        std::cerr << "usage: color_onnxruntime MODEL.onnx IN.pgm OUT.ppm\n";
        return 2;
    }
    std::ifstream in(words[2], std::ios::binary);
    std::string kind;
    std::int64_t width = 0, height = 0, peak = 0;
    if (!(in >> kind >> width >> height >> peak) || kind != "P5" || peak != 255) {
        std::cerr << words[2] << " is not an 8-bit binary PGM\n";
        return 1;
    }
    in.get();
    std::vector<std::uint8_t> gray(static_cast<std::size_t>(width * height));
    in.read(reinterpret_cast<char*>(gray.data()), static_cast<std::streamsize>(gray.size()));

    Ort::Env environment(ORT_LOGGING_LEVEL_WARNING, "color");
    Ort::Session session(environment, words[1], Ort::SessionOptions{});
    const std::int64_t shape[] = {1, height, width};
    auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    auto given = Ort::Value::CreateTensor<std::uint8_t>(memory, gray.data(), gray.size(), shape, 3);
    const char* inputs[] = {"gray"};
    const char* outputs[] = {"rgb"};
    auto answers = session.Run(Ort::RunOptions{}, inputs, &given, 1, outputs, 1);

    const auto* rgb = answers[0].GetTensorData<std::uint8_t>();  // (1, height, width, 3)
    std::ofstream out(words[3], std::ios::binary);
    out << "P6\n" << width << ' ' << height << "\n255\n";
    out.write(reinterpret_cast<const char*>(rgb), static_cast<std::streamsize>(3 * gray.size()));
    return out ? 0 : 1;
}
