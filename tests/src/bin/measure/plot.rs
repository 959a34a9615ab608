//! The plot: rate and memory against open sessions.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::Result;
use crate::report::{Report, Row, Spread, thousands};
use crate::sessions;
use crate::subject::PICTURED;

const SIZE: (u32, u32) = (820, 760);
const COLOURS: [RGBColor; PICTURED.len()] =
    [RGBColor(0, 90, 181), RGBColor(230, 120, 0), RGBColor(90, 90, 90)];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One contender's line.
struct Line {
    label: &'static str,
    colour: RGBColor,
    points: Vec<(f64, Spread)>,
}

/// Draws the plot as SVG.
pub(crate) fn draw(report: &Report, counts: &[usize], file: &Path) -> Result<()> {
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(SIZE.1 / 2);
    panel(&upper, "Relayed messages a second", &lines(report, counts, sessions::rate), counts, true)?;
    let waiting = lines(report, counts, sessions::waiting);
    panel(&lower, "Memory while all of them wait (RSS, MiB)", &waiting, counts, false)?;
    root.present()?;
    Ok(())
}

fn lines(report: &Report, counts: &[usize], row: fn(usize) -> Row) -> Vec<Line> {
    let line = |((name, label), colour): ((&str, &'static str), RGBColor)| Line {
        label,
        colour,
        points: counts.iter().filter_map(|n| Some((*n as f64, report.spread(name, &row(*n))?))).collect(),
    };
    PICTURED.into_iter().zip(COLOURS).map(line).filter(|line| !line.points.is_empty()).collect()
}

/// The colours mean the same in both panels: one legend is enough.
fn panel(area: &Area<'_>, title: &str, lines: &[Line], counts: &[usize], with_legend: bool) -> Result<()> {
    let most_open = counts.iter().max().map_or(1.0, |most| *most as f64);
    let all = || lines.iter().flat_map(|line| &line.points);
    let least = all().map(|(_, spread)| spread.least).fold(f64::MAX, f64::min);
    let most = all().map(|(_, spread)| spread.most).fold(f64::MIN, f64::max);
    if all().next().is_none() {
        return Err("there is nothing to draw: no contender of the picture was measured".into());
    }
    // Whole powers of ten, so that both ends have a label.
    let figures = 10_f64.powf(least.log10().floor())..10_f64.powf(most.log10().ceil());
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 19))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(44)
        .y_label_area_size(78)
        .build_cartesian_2d((0.8..most_open * 1.25).log_scale(), figures.log_scale())?;
    let count = |figure: &f64| thousands(figure.round() as i64);
    chart
        .configure_mesh()
        .x_desc("sessions open at once")
        .x_labels(8)
        .y_labels(8)
        .x_label_formatter(&count)
        .y_label_formatter(&count)
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .bold_line_style(BLACK.mix(0.18))
        .light_line_style(BLACK.mix(0.05))
        .draw()?;
    for line in lines {
        let style = line.colour.stroke_width(2);
        let middles = line.points.iter().map(|(open, spread)| (*open, spread.middle));
        chart
            .draw_series(LineSeries::new(middles.clone(), style))?
            .label(line.label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
        chart.draw_series(middles.map(|at| Circle::new(at, 4, line.colour.filled())))?;
        let ranges = line.points.iter().map(|(open, spread)| [(*open, spread.least), (*open, spread.most)]);
        chart.draw_series(ranges.map(|range| PathElement::new(range, line.colour.stroke_width(1))))?;
    }
    if with_legend {
        chart
            .configure_series_labels()
            // Here the official SDK has no values any more.
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.9))
            .border_style(BLACK.mix(0.3))
            .label_font(("sans-serif", 15))
            .draw()?;
    }
    Ok(())
}
